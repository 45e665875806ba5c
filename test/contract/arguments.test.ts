import { expect, test } from "vitest";
import { readArguments } from "./arguments.ts";

const token = "0123456789abcdef";

test("no arguments: the embedded forge and what the environment names", () => {
  expect(readArguments([], {})).toEqual({ kind: "default", long: false });
  expect(readArguments(["--long"], {})).toEqual({ kind: "default", long: true });
  expect(readArguments(["-h"], {})).toEqual({ kind: "help" });
});

test("an existing server", () => {
  const wanted = { kind: "url", url: "http://127.0.0.1:3000/git", token, hasRunner: true, long: false };
  for (const url of ["http://127.0.0.1:3000/git", "http://127.0.0.1:3000/git/", "http://127.0.0.1:3000/git/api/v1/"]) {
    expect(readArguments(["--url", url, "--admin-token", token], {})).toEqual(wanted);
    expect(readArguments([`--url=${url}`], { GITEA_ADMIN_TOKEN: token })).toEqual(wanted);
  }
  expect(readArguments(["--url", "https://x.org", "--admin-token", token, "--without-runner"], {})).toMatchObject({
    hasRunner: false,
  });
});

test("programs", () => {
  const wanted = { kind: "programs", files: ["a", "b"], long: false };
  expect(readArguments(["--bin", "a", "--bin", "b"], {})).toEqual(wanted);
});

test("what is wrong is named, all at once", () => {
  const problems = (...args: string[]) => {
    const wish = readArguments(args, {});
    return wish.kind === "wrong" ? wish.problems.join("\n") : wish.kind;
  };
  expect(problems("--url", "gitea.example.com")).toBe(
    [
      '--url: expected an address such as https://gitea.example.com, got "gitea.example.com"',
      "--admin-token: a site administrator's token is needed, here or in GITEA_ADMIN_TOKEN",
    ].join("\n"),
  );
  expect(problems("--url", "https://me:pw@x.org", "--admin-token", "a b")).toBe(
    [
      "--url: expected an address without user name, `?` and `#`",
      "--admin-token: this is no token, it has blanks or odd characters",
    ].join("\n"),
  );
  expect(problems("--url", "https://x.org", "--bin", "gitea", "--admin-token", token)).toMatch(/give one of them/);
  expect(problems("--admin-token", token)).toBe("--admin-token belongs to a --url");
  expect(problems("--without-runner")).toBe("--without-runner belongs to a --url");
  expect(problems("--adminn")).toMatch(/Unknown option '--adminn'/);
  expect(problems("--url")).toMatch(/'--url <value>' argument missing/);
  expect(problems("http://x.org")).toMatch(/Unexpected argument 'http:\/\/x.org'/);
});
