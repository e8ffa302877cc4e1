import { useId, type ReactNode } from 'react';
import type { ParamValue } from '../../../api/pipeline/v1/param-value.ts';
import type { ParamField } from '../../view/start.ts';
import { shown } from '../../view/shown.ts';
import { Text } from '../parts/text.tsx';
import { More, TextInput } from './text-input.tsx';

interface ParamInputProps {
  field: ParamField;
  value: ParamValue;
  problem?: string;
  onValue: (value: ParamValue) => void;
}

/** One param: a text, a choice, a list that grows, or a text for each key. */
export function ParamInput({ field, value, problem, onValue }: ParamInputProps): ReactNode {
  const { name, description, allowed } = field;
  const about = { description, ...(problem !== undefined && { problem }) };
  if (Array.isArray(value)) return <ListInput name={name} items={value} onItems={onValue} {...about} />;
  if (typeof value === 'object') return <KeysInput field={field} value={value} onValue={onValue} {...about} />;
  if (allowed.length > 0) return <Choice name={name} allowed={allowed} value={value} onValue={onValue} {...about} />;
  return <TextInput label={name} isLong value={value} onValue={onValue} {...about} />;
}

interface About {
  description: string;
  problem?: string;
}

type ChoiceProps = About & {
  name: string;
  allowed: readonly string[];
  value: string;
  onValue: (value: string) => void;
};

function Choice({ name, allowed, value, onValue, ...about }: ChoiceProps): ReactNode {
  const id = useId();
  return (
    <div className="form-field">
      <label htmlFor={id}>
        <Text of={name} most={253} />
      </label>
      <select id={id} value={value} aria-describedby={`${id}-more`} onChange={({ target }) => onValue(target.value)}>
        {[...new Set([value, ...allowed])].map((each) => (
          <option key={each} value={each}>
            {shown(each)}
          </option>
        ))}
      </select>
      <More id={`${id}-more`} {...about} />
    </div>
  );
}

type GroupProps = About & { name: string; children: ReactNode };

/** Several fields that are one param. */
function Group({ name, children, ...about }: GroupProps): ReactNode {
  const id = useId();
  return (
    <fieldset className="form-field" aria-describedby={id}>
      <legend>
        <Text of={name} most={253} />
      </legend>
      {children}
      <More id={id} {...about} />
    </fieldset>
  );
}

type ListInputProps = About & {
  name: string;
  items: readonly string[];
  onItems: (items: string[]) => void;
};

function ListInput({ name, items, onItems, ...about }: ListInputProps): ReactNode {
  return (
    <Group name={name} {...about}>
      {items.map((item, at) => (
        <div className="form-item" key={at}>
          <input
            type="text"
            aria-label={`${shown(name)}, item ${at + 1}`}
            value={item}
            autoComplete="off"
            spellCheck={false}
            onChange={({ target }) => onItems(items.with(at, target.value))}
          />
          <button
            type="button"
            className="tool"
            aria-label={`Remove item ${at + 1} of ${shown(name)}`}
            onClick={() => onItems(items.filter((_, each) => each !== at))}
          >
            Remove
          </button>
        </div>
      ))}
      <button
        type="button"
        className="tool"
        aria-label={`Add an item to ${shown(name)}`}
        onClick={() => onItems([...items, ''])}
      >
        Add an item
      </button>
    </Group>
  );
}

type KeysInputProps = About & {
  field: ParamField;
  value: Readonly<Record<string, string>>;
  onValue: (value: Record<string, string>) => void;
};

function KeysInput({ field: { name, keys }, value, onValue, ...about }: KeysInputProps): ReactNode {
  return (
    <Group name={name} {...about}>
      {keys.map((key) => (
        <TextInput
          key={key}
          label={key}
          value={value[key] ?? ''}
          onValue={(text) => onValue({ ...value, [key]: text })}
        />
      ))}
    </Group>
  );
}
