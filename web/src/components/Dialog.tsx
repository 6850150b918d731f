import '@/styles/dialog';
import { Group, Modal } from '@mantine/core';
import type { ReactNode } from 'react';
import styles from './Dialog.module.css';
import { useFocusReturn } from './useFocusReturn';
import { useScrollLock } from './useScrollLock';

interface DialogProps {
  title: string;
  isOpen: boolean;
  onClose: () => void;
  children: ReactNode;
}

/**
 * A question that must be answered or left. The title takes the focus: it is read first, and a
 * stray Enter confirms nothing.
 */
export function Dialog({ title, isOpen, onClose, children }: DialogProps) {
  useScrollLock(isOpen);
  useFocusReturn(isOpen);
  return (
    <Modal.Root
      opened={isOpen}
      onClose={onClose}
      centered
      closeOnClickOutside={false}
      lockScroll={false}
      returnFocus={false}
    >
      <Modal.Overlay />
      <Modal.Content radius="md">
        <Modal.Body pt="md">
          <Group justify="space-between" wrap="nowrap" mb="sm">
            <Modal.Title className={styles.title} tabIndex={-1} data-autofocus>
              {title}
            </Modal.Title>
            <Modal.CloseButton aria-label="Close" />
          </Group>
          {children}
        </Modal.Body>
      </Modal.Content>
    </Modal.Root>
  );
}
