/** Failures as the API tells them (RFC 9457), plus those it cannot tell: no answer at all. */
import type { Problem as Wire } from './schema';

export interface ProblemFacts {
  code: string;
  status: number;
  title: string;
  detail: string;
  advice: string;
  errors: { field: string; message: string }[];
  requestId: string | null;
}

export class ProblemError extends Error {
  readonly facts: ProblemFacts;

  constructor(facts: ProblemFacts) {
    super(`${facts.code}: ${facts.title}`);
    this.name = 'ProblemError';
    this.facts = facts;
  }
}

/** The problem in the body of an error response; one of our own making where there is none. */
export function problemFrom(status: number, body: unknown): ProblemError {
  if (isWireProblem(body)) {
    return new ProblemError({
      code: body.code,
      status,
      title: body.title,
      detail: body.detail,
      advice: body.advice,
      errors: body.errors ?? [],
      requestId: body.request_id ?? null,
    });
  }
  if (OF_A_PROXY.includes(status)) return noAnswer(status);
  return new ProblemError({
    code: 'UNREADABLE_ANSWER',
    status,
    title: `The desk answered ${status} without saying why`,
    detail: '',
    advice: 'Try again. If it stays, tell the operator.',
    errors: [],
    requestId: null,
  });
}

export const NO_ANSWER = 'NO_ANSWER';

/** What stands before the desk answers so in its place while it is away. */
const OF_A_PROXY: readonly number[] = [502, 503, 504];

export function noAnswer(status = 0): ProblemError {
  return new ProblemError({
    code: NO_ANSWER,
    status,
    title: 'The desk cannot be reached',
    detail: 'No answer came back.',
    advice: 'Check the network, then try again.',
    errors: [],
    requestId: null,
  });
}

export const NO_ANSWER_IN_TIME = 'NO_ANSWER_IN_TIME';

/** The desk was reached, perhaps, and has said nothing for as long as anybody would wait. */
export function noAnswerInTime(): ProblemError {
  return new ProblemError({
    code: NO_ANSWER_IN_TIME,
    status: 0,
    title: 'The desk does not answer',
    detail: 'It was asked, and has said nothing for too long.',
    advice: 'Try again. If it stays, tell the operator.',
    errors: [],
    requestId: null,
  });
}

export const NO_SCREEN = 'NO_SCREEN';

/** The desk was away when the code of a screen was to be fetched. */
export function noScreen(): ProblemError {
  return new ProblemError({
    code: NO_SCREEN,
    status: 0,
    title: 'The desk cannot be reached',
    detail: 'This screen was not open before, and could not be fetched.',
    advice: 'Check the network, then try again.',
    errors: [],
    requestId: null,
  });
}

/** The facts to show for anything that was thrown, its detail as a sentence that adds something. */
export function factsOf(error: unknown): ProblemFacts {
  if (error instanceof ProblemError) {
    const { title, detail } = error.facts;
    const sentence = detail.charAt(0).toUpperCase() + detail.slice(1);
    return { ...error.facts, detail: sentence === title ? '' : sentence };
  }
  return {
    code: 'APP_ERROR',
    status: 0,
    title: 'This page failed',
    detail: error instanceof Error ? error.message : String(error),
    advice: 'Reload the page. If it stays, tell the operator.',
    errors: [],
    requestId: null,
  };
}

export function hasCode(error: unknown, ...codes: string[]): boolean {
  return error instanceof ProblemError && codes.includes(error.facts.code);
}

function isWireProblem(body: unknown): body is Wire {
  if (typeof body !== 'object' || body === null) return false;
  return 'code' in body && 'title' in body && 'advice' in body && 'detail' in body;
}
