import { Dialog } from '@/components/Dialog';
import { BulkRejectForm } from './BulkRejectForm';
import type { Row } from './columns';

interface BulkRejectDialogProps {
  /** What was selected when it was opened, whatever becomes of the list meanwhile. */
  rows: Row[];
  onClose: () => void;
}

/** Asks for the one reason, then tells what became of each. */
export default function BulkRejectDialog({ rows, onClose }: BulkRejectDialogProps) {
  const what = rows.length === 1 ? 'recommendation' : 'recommendations';
  return (
    <Dialog isOpen onClose={onClose} title={`Reject ${rows.length} ${what}?`}>
      <BulkRejectForm rows={rows} onDone={onClose} />
    </Dialog>
  );
}
