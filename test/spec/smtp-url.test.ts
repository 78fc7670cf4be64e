import { describe, expect, test } from 'bun:test';
import fc from 'fast-check';
import { parseSmtpUrl } from '../../lib/spec/smtp-url.ts';

const login = { user: 'user', password: 'secret' };
const host = 'mail.example.org';

describe('parseSmtpUrl()', () => {
  test.each([
    ['smtp://user:secret@mail.example.org', { host, port: 587, login, tls: 'required' }],
    ['smtp://user:secret@mail.example.org:2525', { host, port: 2525, login, tls: 'required' }],
    ['smtps://user:secret@mail.example.org', { host, port: 465, login, tls: 'direct' }],
    ['smtp://user:secret@mail.example.org:465', { host, port: 465, login, tls: 'direct' }],
    ['smtp://mail.example.org:25/', { host, port: 25, login: undefined, tls: 'required' }],
    ['smtp://mail.example.org:25?ignoreTLS=true', { host, port: 25, login: undefined, tls: 'never' }],
    ['smtp://mail.example.org?ignoreTLS=false', { host, port: 587, login: undefined, tls: 'required' }],
    ['smtp://user:secret@localhost:1025', { host: 'localhost', port: 1025, login, tls: 'offered' }],
    ['smtp://user:secret@[::1]:1025', { host: '::1', port: 1025, login, tls: 'offered' }],
    ['smtp://user:secret@127.0.0.1?ignoreTLS=true', { host: '127.0.0.1', port: 587, login, tls: 'never' }],
    [
      'smtp://a%40b.org:50%25%20%2F@h',
      { host: 'h', port: 587, login: { user: 'a@b.org', password: '50% /' }, tls: 'required' },
    ],
    ['smtp://user:50%@h', { host: 'h', port: 587, login: { user: 'user', password: '50%' }, tls: 'required' }],
    ['smtp://user:p@ss@h', { host: 'h', port: 587, login: { user: 'user', password: 'p@ss' }, tls: 'required' }],
  ] as const)('%s', (url, address) => {
    expect(parseSmtpUrl(url)).toEqual(address);
  });

  test.each([
    'mail.example.org:587',
    'https://user:secret@mail.example.org',
    'smtp://',
    'smtp://user:secret/secret@mail.example.org',
    'smtp://user:12/secret@mail.example.org',
    'smtp://user:12#secret@mail.example.org',
    'smtp://user:12?secret@mail.example.org',
    'smtp://user:secret@mail.example.org?ignoretls=true',
    'smtp://user:secret@mail.example.org?ignoreTLS=yes',
    'smtp://user:secret@mail.example.org?ignoreTLS=true',
    'smtp://user:secret@0.0.0.0?ignoreTLS=true',
    'smtps://user:secret@localhost?ignoreTLS=true',
  ])('%s is refused, and not quoted', (url) => {
    const read = parseSmtpUrl(url);
    expect(read).toHaveProperty('problem');
    expect(JSON.stringify(read)).not.toContain('secret');
  });

  test('says whether it is the password or the URL itself that ?ignoreTLS=true contradicts', () => {
    const problemOf = (url: string) => (parseSmtpUrl(url) as { problem?: string }).problem;
    expect(problemOf('smtp://user:secret@mail.example.org?ignoreTLS=true')).toContain('a password without encryption');
    expect(problemOf('smtps://mail.example.org?ignoreTLS=true')).toContain('asks for TLS');
  });

  test('takes any user and password that are percent-encoded', () => {
    const text = fc.string({ minLength: 1, unit: 'binary' });
    fc.assert(
      fc.property(text, text, (user, password) => {
        const url = `smtps://${encodeURIComponent(user)}:${encodeURIComponent(password)}@${host}`;
        expect(parseSmtpUrl(url)).toMatchObject({ host, login: { user, password } });
      }),
    );
  });
});
