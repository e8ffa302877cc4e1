import { useEffect, useRef, type ReactNode } from 'react';

interface ConfirmProps {
  title: string;
  /** The word on the button that does it. */
  action: string;
  onConfirm: () => void;
  onCancel: () => void;
  children: ReactNode;
}

/** Asks before what cannot be undone. The browser's own dialog: it keeps the focus, and Escape closes it. */
export function Confirm({ title, action, onConfirm, onCancel, children }: ConfirmProps): ReactNode {
  const dialog = useRef<HTMLDialogElement>(null);
  useEffect(() => dialog.current?.showModal(), []);
  return (
    <dialog ref={dialog} className="confirm" aria-label={title} onClose={onCancel}>
      <h2>{title}</h2>
      <div className="confirm-text">{children}</div>
      <div className="confirm-buttons">
        <button type="button" className="tool" onClick={onCancel}>
          Back
        </button>
        <button type="button" className="tool danger" onClick={onConfirm}>
          {action}
        </button>
      </div>
    </dialog>
  );
}
