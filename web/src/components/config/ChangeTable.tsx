import plain from '@/components/PlainTable.module.css';
import type { SettingChange } from './settings';

/** What a change of settings changes: before and after, side by side. */
export function ChangeTable({ changes }: { changes: readonly SettingChange[] }) {
  return (
    <section className={plain.scroll} aria-label="What changes">
      <table className={plain.table}>
        <thead>
          <tr>
            <th scope="col">Setting</th>
            <th scope="col">Now</th>
            <th scope="col">Becomes</th>
          </tr>
        </thead>
        <tbody>
          {changes.map(({ setting, before, after }) => (
            <tr key={setting.name}>
              <td>{setting.title}</td>
              <td className="numeric">
                <del>{before}</del>
              </td>
              <td className="numeric">
                <ins style={{ fontWeight: 650, textDecoration: 'none' }}>{after}</ins>
              </td>
            </tr>
          ))}
        </tbody>
      </table>
    </section>
  );
}
