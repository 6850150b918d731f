type Facts = Record<string, unknown> | null;

/** `recommendation.approved` → `Recommendation approved`. */
export function actionWords(action: string): string {
  const words = action.replaceAll(/[._]/g, ' ');
  return words.charAt(0).toUpperCase() + words.slice(1);
}

/** What changed, as `name: before → after`; facts that stayed are left out. */
export function factsInWords(before: Facts, after: Facts): string {
  const names = [...new Set([...Object.keys(before ?? {}), ...Object.keys(after ?? {})])];
  return names
    .map((name) => {
      const was = inWords(before?.[name]);
      const is = inWords(after?.[name]);
      if (before === null) return `${label(name)}: ${is}`;
      if (after === null) return `${label(name)}: ${was}`;
      return was === is ? '' : `${label(name)}: ${was} → ${is}`;
    })
    .filter(Boolean)
    .join('; ');
}

const label = (name: string) => name.replaceAll('_', ' ');

function inWords(value: unknown): string {
  if (value === null || value === undefined || value === '') return '–';
  if (typeof value === 'object') return JSON.stringify(value);
  return String(value);
}
