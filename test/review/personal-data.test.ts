import { afterAll, beforeAll, describe, expect, test } from 'bun:test';
import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import fc from 'fast-check';
import { type Engine, openEngine } from '../../lib/edges/duckdb.ts';
import { maskPersonalData, planHasEmail, planHasPhone } from '../../lib/review/personal-data.ts';

let folder: string;
let engine: Engine;
beforeAll(async () => {
  folder = await mkdtemp(join(tmpdir(), 'personal-'));
  engine = await openEngine(folder, 256);
});
afterAll(async () => {
  await engine[Symbol.asyncDispose]();
  await rm(folder, { recursive: true });
});

const found = (text: string) =>
  engine.row<{ email: boolean; phone: boolean }>(
    `SELECT ${planHasEmail('t')} AS email, ${planHasPhone('t')} AS phone FROM (SELECT $text AS t)`,
    { text },
  );

const devanagari = (digits: string) => digits.replace(/\d/g, (digit) => String.fromCodePoint(0x966 + Number(digit)));

describe('personal data', () => {
  test.each([
    '9841234567',
    '+977-9841234567',
    '+977 984-123-4567',
    '01-4412345',
    '(01) 4412345',
    '984-123-4567',
    '98412 34567',
    '+1 (415) 555-2671',
  ])('%s is a telephone number, in Latin and in Devanagari digits', async (number) => {
    for (const text of [number, `call ${number}, please`, `फोन:${devanagari(number)}।`]) {
      expect(await found(text)).toEqual({ email: false, phone: true });
      expect((await maskPersonalData(engine, [text]))[0]).toMatch(/\[phone\]/);
      expect((await maskPersonalData(engine, [text]))[0]).not.toMatch(/\p{Nd}{4}/u);
    }
  });

  test.each(['a@example.org', 'first.last+tag@mail.example.com', 'राम@उदाहरण.नेपाल', 'x_1@a-b.co'])(
    '%s is an e-mail address',
    async (address) => {
      expect(await found(`write to ${address}.`)).toEqual({ email: true, phone: false });
      expect(await maskPersonalData(engine, [`write to ${address}.`])).toEqual(['write to [e-mail].']);
    },
  );

  test.each([
    '2026-11-24 10:30',
    '24.11.2026',
    'ward 12',
    'Rs 1,500,000',
    '12345678',
    'a@b',
    '@handle',
    'मिति २०८१-०८-०९',
  ])('%s is neither', async (text) => {
    expect(await found(text)).toEqual({ email: false, phone: false });
    expect(await maskPersonalData(engine, [text])).toEqual([text]);
  });

  test('neighbours are masked each', async () => {
    expect(await maskPersonalData(engine, ['9841234567 9841234568,a@b.org b@c.org'])).toEqual([
      '[phone] [phone],[e-mail] [e-mail]',
    ]);
  });

  test('a text without any stays byte for byte', async () => {
    await fc.assert(
      fc.asyncProperty(
        fc.array(
          fc.string({ unit: 'binary' }).filter((text) => text.isWellFormed() && !text.includes('\0')),
          { maxLength: 5 },
        ),
        async (texts) => {
          const masked = await maskPersonalData(engine, texts);
          expect(masked).toHaveLength(texts.length);
          for (const [index, text] of texts.entries()) {
            const { email, phone } = await found(text);
            if (!email && !phone) expect(masked[index]).toBe(text);
          }
        },
      ),
      { numRuns: 50 },
    );
  });
});
