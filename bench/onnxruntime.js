// Measures ONNX Runtime on an exported network and prints the result as JSON:
//
//   node onnxruntime.js MODEL.onnx BATCH SIZE THREADS RUNS
//
// Without arguments it prints the version alone.
'use strict';

const warmUp = 3;

async function measure({ InferenceSession, Tensor }, model, batch, size, threads, runs) {
  const session = await InferenceSession.create(model, {
    executionProviders: ['cpu'],
    intraOpNumThreads: threads,
    interOpNumThreads: 1,
    graphOptimizationLevel: 'all',
  });
  const pixels = Float32Array.from({ length: batch * 3 * size * size }, () => 2 * Math.random() - 1);
  const feeds = { [session.inputNames[0]]: new Tensor('float32', pixels, [batch, 3, size, size]) };
  const seconds = [];
  for (let i = 0; i < warmUp + runs; i++) {
    const start = performance.now();
    await session.run(feeds);
    if (i >= warmUp) seconds.push((performance.now() - start) / 1e3);
  }
  seconds.sort((a, b) => a - b);
  return { batch, threads, images_per_second: batch / seconds[runs >> 1], peak_rss_mb: process.resourceUsage().maxRSS * 1024 / 1e6 };
}

async function main([model, ...numbers]) {
  const ort = require('onnxruntime-node');
  const result = model ? await measure(ort, model, ...numbers.map(Number)) : {};
  console.log(JSON.stringify([{ version: ort.env.versions.node, ...result }]));
}

main(process.argv.slice(2)).catch((err) => {
  console.error(err.message.replace(/\s*\n\s*/g, ' '));
  process.exitCode = 1;
});
