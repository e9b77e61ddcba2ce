// Decides simulations with runSimulation of @cloud-copilot/iam-simulate, which is installed in the folder that this
// program is started in. Reads one JSON line with a list of simulations, prints one with their answers
// ({result, error, ignored}) and the seconds inside runSimulation alone, and so on until its input ends.
import { createRequire } from 'node:module'
import { createInterface } from 'node:readline'
import { pathToFileURL } from 'node:url'

const entry = createRequire(process.cwd() + '/').resolve('@cloud-copilot/iam-simulate')
const { runSimulation } = await import(pathToFileURL(entry))
// Policies that many simulations share come once, as {document: NAME, value: POLICY}, and then by name.
const documents = new Map()
const resolve = (value) => {
  if (Array.isArray(value)) return value.map(resolve)
  if (value === null || typeof value !== 'object') return value
  if (typeof value.$document === 'string') return documents.get(value.$document)
  return Object.fromEntries(Object.entries(value).map(([key, item]) => [key, resolve(item)]))
}
for await (const line of createInterface({ input: process.stdin })) {
  const simulations = []
  for (const item of JSON.parse(line)) {
    if (item.document === undefined) simulations.push(resolve(item))
    else documents.set(item.document, item.value)
  }
  const answers = []
  const started = performance.now()
  for (const simulation of simulations) answers.push(await runSimulation(simulation, {}))
  const seconds = (performance.now() - started) / 1000
  const out = answers.map((answer) => ({
    result: answer.resultType === 'error' ? null : answer.overallResult,
    error: answer.resultType === 'error' ? JSON.stringify(answer.errors) : null,
    ignored: answer.result?.ignoredContextKeys ?? []
  }))
  process.stdout.write(JSON.stringify({ answers: out, seconds }) + '\n')
}
