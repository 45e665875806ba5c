console.error(process.argv[3] ?? "something went wrong");
process.exitCode = Number(process.argv[2] ?? "1");
