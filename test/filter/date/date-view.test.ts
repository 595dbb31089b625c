import assert from "node:assert/strict";
import { test } from "node:test";
import fc from "fast-check";
import { DateDetector } from "../../../src/filter/date/date.ts";
import { LineTemplate } from "../../../src/filter/date/date-match.ts";
import { readDatepattern } from "../../../src/filter/date/date-templates.ts";
import { REACH, viewOf } from "../../../src/filter/date/date-view.ts";

const NOW = Date.UTC(2026, 10, 21, 20);

test("default templates find in what they see of a line what stands in it", () => {
  const templates = readDatepattern("", 2, "fail2ban").map((template) => new LineTemplate(template));
  const beyond = [
    "é",
    "漢",
    "ſ",
    "\u212a",
    "\u0130",
    "\u0131",
    "\u00a0",
    "\u2003",
    "\u3000",
    "\u0085",
    "٢",
    "२",
    "½",
    "²",
    "«",
    "\ufffd",
  ];
  const astral = ["😀", "𝒜", "\u{1d7d9}", "\u{20000}", "\ud83d", "\udc00"];
  const piece = fc.oneof(
    { weight: 3, arbitrary: fc.constantFrom(...beyond, ...astral) },
    fc.constantFrom(
      ..."2026-11-21T19:40:02.123 +0100|Nov 21 19:40:02|Sat Nov 21 19:40:02 2026|21/Nov/2026:19:40:02 +0000|1795290002|[1795290002]".split(
        "|",
      ),
      ..."2026/11/21  19:40:02|261121 19:40:02|Nov 21, 2026 7:40:02 PM|CEST Nov 21 19:40:02|@400000006957352f00000000|20261121T194002".split(
        "|",
      ),
      ..."19:40:02|<11/21/26@19:40:02>|Nov-21-26 19:40:02|audit(1795290002.123".split("|"),
      ..." [(<:xX_0.,-\t",
    ),
  );
  // Cut anywhere, so that what stands beyond ASCII also stands within a date.
  const line = fc
    .tuple(
      fc.array(piece, { maxLength: 5 }),
      fc.array(fc.tuple(fc.nat(60), fc.constantFrom(...beyond, ...astral)), { maxLength: 2 }),
    )
    .map(([pieces, put]) =>
      put.reduce(
        (text, [at, char]) =>
          text.slice(0, at % (text.length + 1)) + char + text.slice(at % (text.length + 1)),
        pieces.join(""),
      ),
    );
  let folded = 0;
  let found = 0;
  const property = fc.property(line, (text) => {
    const view = viewOf(text, false);
    if (view.ascii) folded++;
    for (const template of templates) {
      const [seen, stands] = [template.match(view.text, view.ascii), template.match(text, false)];
      assert.deepEqual(
        seen && [seen.column, seen.start, seen.end, template.time(seen, NOW)],
        stands && [stands.column, stands.start, stands.end, template.time(stands, NOW)],
        `${template.name} in ${JSON.stringify(text)}`,
      );
      if (stands && view.ascii) found++;
    }
  });
  fc.assert(property, { numRuns: 3000 });
  assert.ok(folded > 300 && found > 100, `${folded} lines, ${found} dates`);
});

test("DateDetector finds a date behind what a client of a web server can write, and looks no further than that", () => {
  const find = (before: number, char: string) => {
    const line = `192.0.2.7 - ${char.repeat(before / char.length)} [21/Nov/2026:19:40:02 +0000] x`;
    return new DateDetector().find(line, NOW)?.time;
  };
  for (const char of ["x", "é", "1 "]) {
    assert.equal(find(8192, char), Date.UTC(2026, 10, 21, 19, 40, 2));
    assert.equal(find(REACH, char), undefined);
  }
});
