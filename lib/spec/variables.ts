const VARIABLE = /\$\$\{|\$\{([A-Za-z_][A-Za-z0-9_]*)(?::-([^}]{0,2000}))?\}|\$\{/g; // bounded: each ${ looks for its end

export type Filled =
  | { value: string; missing: string[]; syntaxError?: never }
  | { value?: never; missing?: never; syntaxError: { offset: number } };

/**
 * Fill in `${NAME}` and `${NAME:-default}`; an empty variable counts as missing, as in a shell's `:-`. `$${` is a plain `${`.
 *
 * @returns the text, and the names of variables that have neither a value nor a default
 */
export function fillVariables(text: string, env: Record<string, string | undefined>): Filled {
  const missing: string[] = [];
  let syntaxError: { offset: number } | undefined;
  const value = text.replace(
    VARIABLE,
    (match, name: string | undefined, fallback: string | undefined, offset: number) => {
      if (match === '$${') return '${';
      if (name === undefined) {
        syntaxError ??= { offset };
        return match;
      }
      const found = env[name]?.trim() || fallback;
      if (found === undefined) missing.push(name);
      return found ?? '';
    },
  );
  return syntaxError ? { syntaxError } : { value, missing };
}
