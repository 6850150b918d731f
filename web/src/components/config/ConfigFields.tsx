import '@/styles/forms';
import { Fieldset, NativeSelect, Switch, Text, TextInput } from '@mantine/core';
import styles from './ConfigFields.module.css';
import { limitWords, type Setting, type Typed, unitWords } from './settings';

interface ConfigFieldsProps {
  settings: readonly Setting[];
  typed: Typed;
  onChange: (typed: Typed) => void;
  /** What is wrong, by the setting's name: found here or told by the server. */
  problems: Readonly<Record<string, string>>;
  isReadOnly?: boolean;
}

/** A form for any strategy, drawn from its schema: grouped, with units, help and limits. */
export function ConfigFields(props: ConfigFieldsProps) {
  const groups = [...new Set(props.settings.map((setting) => setting.group))];
  return (
    <div className={styles.groups}>
      {groups.map((group) => (
        <Fieldset key={group} legend={group} variant="unstyled" className={styles.group}>
          <div className={styles.fields}>
            {props.settings
              .filter((setting) => setting.group === group)
              .map((setting) => (
                <Field key={setting.name} setting={setting} {...props} />
              ))}
          </div>
        </Fieldset>
      ))}
    </div>
  );
}

interface FieldProps extends ConfigFieldsProps {
  setting: Setting;
}

function Field({ setting, typed, onChange, problems, isReadOnly = false }: FieldProps) {
  const entry = typed[setting.name] ?? '';
  const problem = problems[setting.name];
  const change = (value: string | boolean) => onChange({ ...typed, [setting.name]: value });
  const common = {
    name: setting.name,
    label: setting.title,
    description: <Help setting={setting} />,
    error: problem,
    disabled: isReadOnly,
  };
  if (setting.kind === 'flag') {
    return (
      <Switch
        {...common}
        className={styles.flag}
        checked={entry === true}
        onChange={(event) => change(event.currentTarget.checked)}
      />
    );
  }
  if (setting.kind === 'choice') {
    return (
      <NativeSelect
        {...common}
        value={String(entry)}
        data={setting.isOptional ? ['', ...setting.choices] : setting.choices}
        onChange={(event) => change(event.currentTarget.value)}
      />
    );
  }
  const unit = unitWords(setting);
  const isNumber = ['whole', 'number', 'decimal'].includes(setting.kind);
  return (
    <TextInput
      {...common}
      className={isNumber ? undefined : styles.wide}
      classNames={isNumber ? { input: `numeric ${styles.number}` } : {}}
      inputMode={setting.kind === 'whole' ? 'numeric' : isNumber ? 'decimal' : 'text'}
      placeholder={setting.isOptional ? 'none' : undefined}
      required={setting.isRequired}
      value={String(entry)}
      rightSection={
        isNumber && unit !== '' ? (
          <Text component="span" size="xs" c="dimmed" className={styles.unit}>
            {unit}
          </Text>
        ) : undefined
      }
      rightSectionWidth={isNumber && unit !== '' ? `${Math.max(unit.length, 3) * 0.48 + 1}rem` : 36}
      onChange={(event) => change(event.currentTarget.value)}
    />
  );
}

function Help({ setting }: { setting: Setting }) {
  const limits = limitWords(setting);
  return (
    <>
      {setting.help}
      {limits !== '' && <span className={styles.limits}> {capitalised(limits)}.</span>}
    </>
  );
}

function capitalised(words: string): string {
  return words.charAt(0).toUpperCase() + words.slice(1);
}
