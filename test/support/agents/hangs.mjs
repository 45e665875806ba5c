process.on("SIGTERM", () => console.log("not now"));
console.log("working");
setTimeout(() => undefined, 60_000);
