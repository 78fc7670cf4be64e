/** README.md of a repo that holds nothing but a history. `configs` makes the Hub's viewer show the list, not the reports. */
export const CARD = `---
configs:
  - config_name: default
    data_files: runs.jsonl
tags: [run-history]
---

# History of runs

Kept by Prepare Dataset; \`bun pipeline.ts --history\` lists these runs, and \`--show RUN\` prints one.

- \`runs.jsonl\`: one line for each run, in the order in which they ended.
- \`runs/YYYY/MM/<run>/report.json\` and \`log.txt\`: what it reported. There are figures and SQL in it, but no row’s text.

Nothing is ever deleted. Keep this repo private.
`;
