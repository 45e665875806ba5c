import fc from "fast-check";
import { expect, test } from "vitest";
import { archiveFact, archiveLine, formatArchive, parseArchive } from "../../src/ledger/archive.ts";
import { formatRecord } from "../../src/ledger/record.ts";
import { aRecord, hour, iso, now, sha } from "../support/builders.ts";

test("a line says what became of an item", () => {
  const record = aRecord({
    ...{ state: "closed", generation: 2, head: sha("b"), pull: 20, epoch: 9, attempt: 0, round: 3, at: iso(now) },
    spend: { usd: 1.5, tokens: 700, reserved: 0.5 },
  });
  const line = archiveLine(record, now - hour);
  expect(formatArchive(line)).toBe(
    `{"v":1,"key":"issue-12","generation":2,"state":"closed","head":"${sha("b")}","pull":20,"claims":9,"attempts":0,"rounds":3,"spend":{"usd":2,"tokens":700},"opened":"2026-03-01T11:00:00.000Z","closed":"2026-03-01T12:00:00.000Z"}\n`,
  );
  expect(archiveLine(aRecord(), null)).toMatchObject({ opened: null, head: null, pull: null });
});

test("whatever a record says is one line, and read back", () => {
  fc.assert(
    fc.property(
      fc.string(),
      fc.nat(),
      fc.nat(),
      fc.double({ min: 0, noNaN: true, noDefaultInfinity: true }),
      (key, epoch, round, usd) => {
        const line = archiveLine(aRecord({ key, epoch, round, spend: { usd, tokens: 1 } }), now);
        const text = formatArchive(line);
        expect(text.indexOf("\n")).toBe(text.length - 1);
        expect(parseArchive(text)).toEqual(JSON.parse(JSON.stringify(line)));
      },
    ),
  );
});

test("unknown fields are kept, any text is answered", () => {
  const line = { ...archiveLine(aRecord(), now), later: { a: 1 } };
  expect(parseArchive(formatArchive(line))).toEqual(line);
  fc.assert(
    fc.property(fc.string(), fc.json(), (text, json) => {
      expect([null, undefined]).toContain(parseArchive(text)?.state);
      expect(() => parseArchive(json)).not.toThrow();
    }),
  );
});

test("a tip that cannot be read, or is of another version, is added to by nobody", () => {
  const line = archiveLine(aRecord(), now);
  expect(archiveFact(sha("a"), formatArchive(line))).toEqual({ kind: "tip", sha: sha("a") });
  expect(archiveFact(sha("a"), JSON.stringify({ ...line, v: 2 }))).toEqual({ kind: "unreadable", why: "version 2" });
  for (const text of ["", "hello", "{}", "[1]", "null", formatRecord(aRecord()), `{"v":1,"x":"${"y".repeat(20_000)}"}`])
    expect(archiveFact(sha("a"), text)).toEqual({ kind: "unreadable", why: "its form is not known" });
});
