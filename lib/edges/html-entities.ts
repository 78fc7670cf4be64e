import { decodeHTML } from 'entities';

/** Decode named and numeric character references as browsers do; NULL stays NULL. */
export function decodeHtmlEntities(text: string | null): string | null {
  return text?.includes('&') ? decodeHTML(text) : text;
}
