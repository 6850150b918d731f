import { describe, expect, it } from 'vitest';
import { actionWords, factsInWords } from './auditWords';

describe('the audit trail in words', () => {
  it('reads an action as a sentence', () => {
    expect(actionWords('trading_state.changed')).toBe('Trading state changed');
  });

  it('says what changed, and leaves out what stayed', () => {
    const before = { state: 'ACTIVE', reason: '', author: 'ada' };
    const after = { state: 'HALTED', reason: 'news', author: 'ada' };
    expect(factsInWords(before, after)).toBe('state: ACTIVE → HALTED; reason: – → news');
  });

  it('says what was made and what was taken away', () => {
    expect(factsInWords(null, { role: 'VIEWER', portfolio_id: null })).toBe(
      'role: VIEWER; portfolio id: –',
    );
    expect(factsInWords({ limits: { max_contracts: 5 } }, null)).toBe(
      'limits: {"max_contracts":5}',
    );
    expect(factsInWords(null, null)).toBe('');
  });
});
