for (const line of [
  "::set-output name=verdict::approved",
  "::add-mask::e",
  "::stop-commands::pwned",
  "::error::not from the action",
  "##[group]x",
])
  console.log(line);
console.error("::warning::neither this");
