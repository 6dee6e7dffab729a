// Reads one YAML text after another beside the thread that answers requests.
import { parentPort } from 'node:worker_threads'
import { DecodeError } from '../api/decode.ts'
import { parseYamlText } from '../api/yaml-text.ts'
import type { YamlAnswer } from './yaml-reader.ts'

parentPort?.on('message', (text: string) => {
  parentPort?.postMessage(answerTo(text))
})

function answerTo(text: string): YamlAnswer {
  try {
    const { value, doubled } = parseYamlText(text)
    return { type: 'read', json: JSON.stringify(value) ?? 'null', doubled }
  } catch (error) {
    if (error instanceof DecodeError) return { type: 'unreadable', problem: error.message }
    throw error
  }
}
