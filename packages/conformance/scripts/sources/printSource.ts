import * as Schema from "effect/Schema"
import { Document, ReadingFile } from "../../src/requirements/Requirements.ts"
import { MutantFile } from "../../src/requirements/Mutants.ts"
import { readMutants } from "../../src/sources/MutantTable.ts"
import { readReadings, readRequirements } from "../../src/sources/RequirementTable.ts"
import { readProtocolText, readScenarioSource } from "../../src/sources/ScenarioText.ts"
import { RuleFile } from "../../src/requirements/Rules.ts"
import { readRules } from "../../src/sources/RuleTable.ts"
import { printMutants } from "./printMutants.ts"
import { printReadings, printRequirements, printRules } from "./printRequirements.ts"
import { printProtocol, printScenarios } from "./printScenarios.ts"

const decodeDocument = Schema.decodeUnknownSync(Document)
const decodeRules = Schema.decodeUnknownSync(RuleFile)
const decodeMutants = Schema.decodeUnknownSync(MutantFile)
const decodeReadings = Schema.decodeUnknownSync(ReadingFile)

/** The text of a source file in its usual layout, without comments. Throws `SyntaxError` for a malformed file. */
export const printSource = (file: string, text: string): string => {
  if (file.endsWith("readings.txt")) return printReadings(decodeReadings(readReadings(text)).readings)
  if (file.endsWith("rules.txt")) return printRules(decodeRules(readRules(text)).rules)
  if (file.endsWith("mutants.txt")) return printMutants(decodeMutants(readMutants(text)))
  if (file.endsWith(".txt")) {
    const source = readRequirements(text)
    return printRequirements(decodeDocument(source.document), source)
  }
  if (file.endsWith("protocol.scenario")) return printProtocol(readProtocolText(text))
  const { file: value, names } = readScenarioSource(text)
  return printScenarios(value, names)
}
