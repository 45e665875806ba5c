import { describe, expect, test } from "vitest";
import { forgeWords, wordsOf } from "../../src/forge/words.ts";

// Of no known kind, so that only its own text can give it away.
const token = "my-own-token";

describe("the forge's words", () => {
  test.each([
    ["the token itself", `bad token ${token}!`, "bad token ***!"],
    ["a credential in an address", "https://bot:secret@host/x", "https://***@host/x"],
    ["an authorization header", "Authorization: Bearer abcdefghijklmnop1234", "Authorization: Bearer ***"],
    ["a known kind of key", "sk-ant-abcdefgh12345678 ghp_abcdefgh12345678", "*** ***"],
    ["another token, or an object name", "object 89abcdef0123456789abcdef0123456789abcdef", "object 89abcde…"],
    [
      "line breaks, escapes, overrides",
      "a\n::set-output name=x::y\u001b[31m\u202eb",
      "a ::set-output name=x::y [31m b",
    ],
    ["nothing to hide", "no changes between the head and the base", "no changes between the head and the base"],
  ])("%s", (_, text, clean) => {
    expect(forgeWords(text, token)).toBe(clean);
  });

  test("are bounded, by characters and not by halves of them", () => {
    const long = forgeWords("🚀".repeat(400), token);
    expect(Array.from(long)).toHaveLength(300);
    expect(long.endsWith("🚀…")).toBe(true);
  });

  test("come from message and errors, from plain text, never from a page", () => {
    const of = (type: string, text: string) =>
      wordsOf(
        {
          text,
          json: type.includes("json") ? JSON.parse(text) : undefined,
          headers: new Headers({ "content-type": type }),
        },
        token,
      );
    expect(of("application/json", '{"message":"not found","errors":["object does not exist"]}')).toBe(
      "not found; object does not exist",
    );
    expect(of("application/json", '{"message":"not found","errors":null}')).toBe("not found");
    expect(of("application/json", '{"error":1}')).toBe("");
    expect(of("text/plain", "404 page not found\n")).toBe("404 page not found");
    expect(of("text/html", "<h1>hello</h1>")).toBe("");
  });
});
