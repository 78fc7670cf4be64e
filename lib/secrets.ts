/** Names that end like a secret's. Not PWD and OLDPWD (directories), nor MAX_TOKENS or TOKENIZERS_PARALLELISM. */
const SECRET_NAME =
  /(^|_)(TOKEN|SECRET|PASSWORD|PASSWD|PASS|PASSPHRASE|CREDENTIALS?|API_?KEY|KEY|WEBHOOK|WEBHOOK_URL)$|._PWD$|SECRET|PASSWORD/i;
/** Whether a variable of this name holds a secret, whatever its value. */
export const isSecretName = (name: string): boolean => SECRET_NAME.test(name);

const NO_SECRET = /^(true|false|yes|no|on|off|none|null|\d{1,5})$/i;
/** With bounds, so that a hostile text takes no more time than its length. */
const URL_PASSWORD = /\b[a-z][a-z0-9+.-]{0,30}:\/\/[^\s:@/]{0,200}:([^\s]{1,2000})@[^\s@]*/gi;
const KNOWN_TOKENS = /\bhf_[A-Za-z0-9]{8,}\b|\bhf_(?:oauth|jwt)_[\w.-]{8,}|\bwandb_v1_[\w-]{20,}/g;
const MASK = '***';
const SHORTEST = 3; // a shorter value would blank out half of the output and protect nothing

/** A function that hides every secret in a text; every sink writes through it. */
export type Mask = (text: string) => string;

/**
 * Plan what to hide: the value of each variable that is named like a secret, each password inside a URL, and the forms
 * in which such a value usually travels (percent-encoded, base64, JSON-escaped).
 *
 * @param env environment variables
 * @param more other texts that may hold URL passwords, e.g. a URL written in the YAML
 */
export function planMask(env: Record<string, string | undefined>, more: string[] = []): Mask {
  const secrets = new Set<string>();
  for (const [name, value] of Object.entries(env)) {
    if (value === undefined) continue;
    if (SECRET_NAME.test(name)) addSecret(secrets, value);
    addUrlPasswords(secrets, value);
  }
  for (const text of more) addUrlPasswords(secrets, text);
  const longestFirst = [...secrets].sort((a, b) => b.length - a.length).map((secret) => RegExp.escape(secret));
  const pattern = longestFirst.length === 0 ? undefined : new RegExp(longestFirst.join('|'), 'g');
  return (text) => (pattern ? text.replace(pattern, MASK) : text).replace(KNOWN_TOKENS, MASK);
}

/** Passwords of URLs, what stands behind the host of a web address (a webhook's is a secret as a whole), and W&B's key. */
const IN_YAML = [URL_PASSWORD, /\bhttps?:\/\/[^\s/'"]+\/([^\s'",}\]]+)/gi, /\bapi_key['"]?:\s*['"]?([^\s'",}#]+)/gi];

/** Cover with asterisks what is secret in the text of a YAML, and is no variable. Every character that is left keeps its place. */
export function coverSecrets(yaml: string): string {
  return IN_YAML.reduce(
    (text, pattern) =>
      text.replace(pattern, (match: string, secret: string) => {
        if (/^\$\{|^\[.*\]$/.test(secret)) return match; // a variable; a placeholder such as [YOUR-PASSWORD]
        const at = match.lastIndexOf(secret);
        return match.slice(0, at) + '*'.repeat(secret.length) + match.slice(at + secret.length);
      }),
    yaml,
  );
}

/** Fields that hold one of the program's own words: a password such as "pass" must not turn `passed` into something else. */
export const OWN_WORDS: ReadonlySet<string> = new Set([
  'action',
  'code',
  'failedStep',
  'failed_step', // as records of runs have it
  'group',
  'hold',
  'kind',
  'severity',
  'source',
  'stage',
  'status',
]);

/** Hide secrets in every text of a value, before it is cut, wrapped or escaped: half a secret would not be recognised. */
export function maskStrings<T>(value: T, mask: Mask): T {
  return JSON.parse(JSON.stringify(value), (name, each) =>
    typeof each === 'string' && !OWN_WORDS.has(name) ? mask(each) : each,
  );
}

function addUrlPasswords(secrets: Set<string>, text: string): void {
  for (const [, password] of text.matchAll(URL_PASSWORD)) if (password) addSecret(secrets, password);
}

function addSecret(secrets: Set<string>, value: string): void {
  const trimmed = value.trim();
  if (trimmed.length < SHORTEST || NO_SECRET.test(trimmed)) return;
  for (const plain of new Set([trimmed, decode(trimmed)])) {
    const base64 = Buffer.from(plain).toString('base64').replace(/=+$/, '');
    for (const form of [plain, encodeURIComponent(plain), JSON.stringify(plain).slice(1, -1), base64])
      secrets.add(form);
  }
}

function decode(text: string): string {
  try {
    return decodeURIComponent(text);
  } catch {
    return text;
  }
}
