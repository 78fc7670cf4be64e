import { join } from 'node:path';
import { readStyles } from '../report/html/page.ts';
import { hashOf } from './broadcast.ts';

/** A file that the page loads. */
export interface Asset {
  text: string;
  type: string;
  /** Relative, so that the page works behind a path; another content has another address. */
  href: string;
}

export interface Assets {
  styles: Asset;
  script: Asset;
}

/** Read once: no path of a request reaches the file system. */
export async function readAssets(): Promise<Assets> {
  const asset = (text: string, name: string, type: string): Asset => ({ text, type, href: `${name}?${hashOf(text)}` });
  const script = await Bun.file(join(import.meta.dir, 'page.js')).text();
  return {
    styles: asset(await readStyles(), 'page.css', 'text/css; charset=utf-8'),
    script: asset(script, 'page.js', 'text/javascript; charset=utf-8'),
  };
}
