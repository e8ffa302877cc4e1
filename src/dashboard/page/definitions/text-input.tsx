import { useId, type ReactNode } from 'react';
import { shown } from '../../view/shown.ts';
import { Text } from '../parts/text.tsx';

interface TextInputProps {
  label: string;
  description?: string;
  /** What holds when it stays empty. */
  hint?: string;
  /** It may have several lines. */
  isLong?: boolean;
  value: string;
  problem?: string;
  onValue: (value: string) => void;
}

const ROWS = 6;

/** A field of a form. */
export function TextInput({
  label,
  description = '',
  hint = '',
  isLong,
  value,
  problem,
  onValue,
}: TextInputProps): ReactNode {
  const id = useId();
  const lines = value.split('\n').length;
  const common = {
    id,
    value,
    spellCheck: false,
    'aria-invalid': problem !== undefined,
    'aria-describedby': `${id}-more`,
    onChange: ({ target }: { target: { value: string } }) => onValue(target.value),
  };
  return (
    <div className="form-field">
      <label htmlFor={id}>
        <Text of={label} most={253} />
      </label>
      {isLong === true ? (
        <textarea {...common} rows={Math.min(ROWS, lines)} />
      ) : (
        <input {...common} type="text" autoComplete="off" placeholder={shown(hint)} />
      )}
      <More id={`${id}-more`} description={description} {...(problem !== undefined && { problem })} />
    </div>
  );
}

interface MoreProps {
  id: string;
  description: string;
  problem?: string;
}

/** What is said of a field: what it is for, and what is wrong with it. */
export function More({ id, description, problem }: MoreProps): ReactNode {
  return (
    <div id={id} className="form-more">
      {description !== '' && (
        <p className="muted">
          <Text of={description} />
        </p>
      )}
      {problem !== undefined && (
        <p className="bad">
          <Text of={problem} />
        </p>
      )}
    </div>
  );
}
