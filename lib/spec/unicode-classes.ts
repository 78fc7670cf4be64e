/** What Python's `\s` matches, for use inside […]: RE2's own `\s` is ASCII and lacks the vertical tab. */
export const WHITE_SPACE = '\\s\\v\\x{1c}-\\x{1f}\\x{85}\\p{Z}';
/** What Python's `\d` and `\w` match, for use inside […]. */
export const DIGIT = '\\p{Nd}';
export const WORD = '\\p{L}\\p{N}_';

/**
 * Characters that Python's IGNORECASE takes for each other while RE2 does not (CPython, Lib/re/_casefix.py), and the
 * cased characters that are no letters: a class with `\w` is written without the flag, so these are listed in it.
 */
const CASE_ORBITS: number[][] = [
  [0x49, 0x69, 0x130, 0x131],
  [0x390, 0x1fd3],
  [0x3b0, 0x1fe3],
  [0xfb05, 0xfb06],
  [0x345, 0x399, 0x3b9, 0x1fbe],
  ...Array.from({ length: 26 }, (_, letter) => [0x24b6 + letter, 0x24d0 + letter]),
];

/** The characters that join a class when case is ignored, besides those that RE2 adds. */
export function casePartners(ranges: [low: number, high: number][]): number[] {
  const meets = (point: number) => ranges.some(([low, high]) => low <= point && point <= high);
  return CASE_ORBITS.filter((orbit) => orbit.some(meets)).flat();
}

const CATEGORIES =
  'C Cc Cf Co Cs L Ll Lm Lo Lt Lu M Mc Me Mn N Nd Nl No P Pc Pd Pe Pf Pi Po Ps S Sc Sk Sm So Z Zl Zp Zs';

/** The scripts of the RE2 that DuckDB 1.5 carries. */
const SCRIPTS = `
  Adlam Ahom Anatolian_Hieroglyphs Arabic Armenian Avestan Balinese Bamum Bassa_Vah Batak Bengali Bhaiksuki Bopomofo
  Brahmi Braille Buginese Buhid Canadian_Aboriginal Carian Caucasian_Albanian Chakma Cham Cherokee Chorasmian Common
  Coptic Cuneiform Cypriot Cypro_Minoan Cyrillic Deseret Devanagari Dives_Akuru Dogra Duployan Egyptian_Hieroglyphs
  Elbasan Elymaic Ethiopic Georgian Glagolitic Gothic Grantha Greek Gujarati Gunjala_Gondi Gurmukhi Han Hangul
  Hanifi_Rohingya Hanunoo Hatran Hebrew Hiragana Imperial_Aramaic Inherited Inscriptional_Pahlavi
  Inscriptional_Parthian Javanese Kaithi Kannada Katakana Kawi Kayah_Li Kharoshthi Khitan_Small_Script Khmer Khojki
  Khudawadi Lao Latin Lepcha Limbu Linear_A Linear_B Lisu Lycian Lydian Mahajani Makasar Malayalam Mandaic Manichaean
  Marchen Masaram_Gondi Medefaidrin Meetei_Mayek Mende_Kikakui Meroitic_Cursive Meroitic_Hieroglyphs Miao Modi
  Mongolian Mro Multani Myanmar Nabataean Nag_Mundari Nandinagari New_Tai_Lue Newa Nko Nushu Nyiakeng_Puachue_Hmong
  Ogham Ol_Chiki Old_Hungarian Old_Italic Old_North_Arabian Old_Permic Old_Persian Old_Sogdian Old_South_Arabian
  Old_Turkic Old_Uyghur Oriya Osage Osmanya Pahawh_Hmong Palmyrene Pau_Cin_Hau Phags_Pa Phoenician Psalter_Pahlavi
  Rejang Runic Samaritan Saurashtra Sharada Shavian Siddham SignWriting Sinhala Sogdian Sora_Sompeng Soyombo
  Sundanese Syloti_Nagri Syriac Tagalog Tagbanwa Tai_Le Tai_Tham Tai_Viet Takri Tamil Tangsa Tangut Telugu Thaana
  Thai Tibetan Tifinagh Tirhuta Toto Ugaritic Vai Vithkuqi Wancho Warang_Citi Yezidi Yi Zanabazar_Square`;

/** The names that `\p{…}` takes. */
export const UNICODE_CLASSES: ReadonlySet<string> = new Set([
  'Any',
  ...CATEGORIES.split(' '),
  ...SCRIPTS.trim().split(/\s+/),
]);
