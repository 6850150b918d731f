/** CSV by RFC 4180: quoted where needed, CRLF between lines. */
export function toCsv(rows: readonly (readonly string[])[]): string {
  return rows.map((row) => row.map(field).join(',')).join('\r\n');
}

/** What a table on screen says, its head first; figures as a spreadsheet reads them. */
export function tableCells(table: HTMLTableElement): string[][] {
  return [...table.rows].map((row) =>
    [...row.cells].map((cell) =>
      plainFigure((cell.textContent ?? '').replaceAll(/\s+/g, ' ').trim()),
    ),
  );
}

/** `−1,234.5` → `-1234.5`; what is no figure stays as it is. */
export function plainFigure(shown: string): string {
  const figure = shown.replaceAll('−', '-').replaceAll(',', '');
  return /^[+-]?\d+(\.\d+)?%?$/.test(figure) ? figure : shown;
}

function field(value: string): string {
  // A spreadsheet runs what starts like a formula; numbers keep their sign and stay numbers.
  const safe = /^[=+\-@\t\r]/.test(value) && !/^[+-]?[\d.,]+%?$/.test(value) ? `'${value}` : value;
  return /[",\r\n]/.test(safe) ? `"${safe.replaceAll('"', '""')}"` : safe;
}

/** Hands the browser a file to save. */
export function download(name: string, text: string): void {
  const url = URL.createObjectURL(new Blob([text], { type: 'text/csv;charset=utf-8' }));
  const link = document.createElement('a');
  link.href = url;
  link.download = name;
  link.click();
  URL.revokeObjectURL(url);
}
