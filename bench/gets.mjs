// The same number of GET requests one after the other; prints how long they took, in ms.
const [url, count] = process.argv.slice(2);
const headers = { authorization: `token ${process.env.TOKEN}` };
const start = performance.now();
for (let n = 0; n < Number(count); n++) {
  const answer = await fetch(url, { headers });
  await answer.arrayBuffer();
  if (!answer.ok) throw new Error(`${url}: ${answer.status}`);
}
console.log(performance.now() - start);
