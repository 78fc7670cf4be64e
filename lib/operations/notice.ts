/** Something that a person should hear of. */
export interface Notice {
  /** At most 63 characters, W&B's limit. */
  title: string;
  severity: 'INFO' | 'WARN' | 'ERROR';
  /** A few lines; no row's text, no secret. */
  text: string;
}
