// One process of a benchmark in ONNX Runtime; prints {"ms": median, "memory_mb": peak, "steps": timed} as JSON.
//   NODE_PATH=... node tests/bench/peer_onnx.js MODEL SIZE BATCH STEPS THREADS
// Warm-up and number of steps as in peer_torch.py.
const fs = require('fs')
const ort = require('onnxruntime-node')

const [model, ...numbers] = process.argv.slice(2)
const [size, batch, steps, threads] = numbers.map(Number)

async function repeat(step, count, seconds) {
  const times = []
  const began = process.hrtime.bigint()
  const since = (t) => Number(process.hrtime.bigint() - t) / 1e6
  while (times.length < count && (times.length === 0 || since(began) < 1e3 * seconds)) {
    const start = process.hrtime.bigint()
    await step()
    times.push(since(start))
  }
  return times.sort((a, b) => a - b)
}

async function main() {
  const session = await ort.InferenceSession.create(model, {
    intraOpNumThreads: threads, interOpNumThreads: 1, executionMode: 'sequential', graphOptimizationLevel: 'all',
  })
  const data = Float32Array.from({ length: batch * size * size }, Math.random)
  const x = new ort.Tensor('float32', data, [batch, 1, size, size])
  const step = () => session.run({ x })
  await repeat(step, 2, 2)
  const times = await repeat(step, steps, 3)
  const peak = Number(fs.readFileSync('/proc/self/status', 'utf8').match(/VmHWM:\s*(\d+)/)[1]) / 1024
  console.log(JSON.stringify({
    ms: times[Math.floor((times.length - 1) / 2)], memory_mb: peak, steps: times.length,
    version: require('onnxruntime-node/package.json').version,
  }))
}

main().catch((error) => { console.error(String(error)); process.exit(1) })
