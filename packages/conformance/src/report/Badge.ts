/** JSON for the endpoint badge of shields.io: https://shields.io/badges/endpoint-badge */
import { exitCode, type Report, type Results } from "../run/Results.ts"

export const verdictOf = (report: Report): "conforms" | "fails" | "error" => {
  const code = exitCode(report)
  return code === 0 ? "conforms" : code === 1 ? "fails" : "error"
}

export interface Badge {
  readonly schemaVersion: 1
  readonly label: string
  readonly message: string
  readonly color: "brightgreen" | "green" | "red" | "lightgrey"
  readonly isError?: boolean
}

/** `parley conformance | xuanxuan 212/214`; expected failures count as checks that did not pass. */
export const badge = ({ reports }: Results): Badge => {
  const parts = reports.map((report) => {
    const good = report.passed + report.lenient
    const all = good + report.warned + report.failed + report.notTestable + report.expected
    return `${report.protocol} ${good}/${all}`
  })
  const codes = reports.map((report) => exitCode(report))
  const broken = codes.some((code) => code === 4) || reports.length === 0
  const clean = reports.every(({ expected, warned, lenient }) => expected + warned + lenient === 0)
  return {
    schemaVersion: 1,
    label: "parley conformance",
    message: broken ? "error" : [...new Set(parts)].join(", "),
    color: broken ? "lightgrey" : codes.some((code) => code > 0) ? "red" : clean ? "brightgreen" : "green",
    ...(broken ? { isError: true } : {})
  }
}
