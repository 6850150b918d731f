import { PlainTable } from '@/components/PlainTable';
import type { SettingChange } from './settings';

/** What a change of settings changes: before and after, side by side. */
export function ChangeTable({ changes }: { changes: readonly SettingChange[] }) {
  return (
    <PlainTable label="What changes" head={['Setting', 'Now', 'Becomes']}>
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
    </PlainTable>
  );
}
