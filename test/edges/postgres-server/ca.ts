import { mkdir, writeFile } from 'node:fs/promises';
import { isIP } from 'node:net';
import { basename, join } from 'node:path';
import { run } from './process.ts';

export interface TestCa {
  caFile: string;
  /** A certificate for names and addresses, in the form that startPostgres({ tls }) takes. */
  issue(...hostnames: string[]): Promise<{ certFile: string; keyFile: string; caFile: string }>;
}

const NEW_KEY = ['-newkey', 'ec', '-pkeyopt', 'ec_paramgen_curve:prime256v1', '-nodes'];
const DAYS = '2';

/** A certificate authority of its own below a directory, made by the `openssl` program. */
export async function makeTestCa(directory: string): Promise<TestCa> {
  await mkdir(directory, { recursive: true });
  const at = (name: string) => join(directory, name);
  const request = ['openssl', 'req', '-batch', ...NEW_KEY];
  const subject = ['-subj', `/CN=Test CA ${basename(directory)}`];
  await run([...request, '-x509', '-keyout', at('ca.key'), '-out', at('ca.crt'), '-days', DAYS, ...subject]);
  let issued = 0;
  return {
    caFile: at('ca.crt'),
    issue: async (...hostnames) => {
      issued += 1;
      const [key, csr, crt, extensions] = ['key', 'csr', 'crt', 'ext'].map((end) => at(`server-${issued}.${end}`)) as [
        string,
        string,
        string,
        string,
      ];
      const names = hostnames.map((name) => `${isIP(name) === 0 ? 'DNS' : 'IP'}:${name}`);
      await writeFile(extensions, `subjectAltName=${names.join(',')}\n`);
      await run([...request, '-keyout', key, '-out', csr, '-subj', `/CN=${hostnames[0]}`]);
      const sign = ['-CA', at('ca.crt'), '-CAkey', at('ca.key'), '-CAcreateserial', '-days', DAYS];
      await run(['openssl', 'x509', '-req', '-in', csr, '-out', crt, '-extfile', extensions, ...sign]);
      return { certFile: crt, keyFile: key, caFile: at('ca.crt') };
    },
  };
}
