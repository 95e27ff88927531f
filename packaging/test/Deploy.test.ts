/** The files of `deploy` fit each other and the server: settings, ports, probes, volumes, names. Without a container engine. */
import { existsSync, readFileSync } from "node:fs"
import { fileURLToPath } from "node:url"
import { Result } from "effect"
import { assert, describe, it } from "vitest"
import { parse, parseAllDocuments } from "yaml"
import { makeCliContext } from "../../packages/server/src/cli/container.ts"
import { configure } from "../../packages/server/src/config/Configuration.ts"
import { serveDeclarations } from "../../packages/server/src/config/ServeOptions.ts"
import { loadDialects } from "../../packages/server/src/protocols.ts"

const DEPLOY = new URL("../deploy/", import.meta.url)
const read = (name: string): string => readFileSync(new URL(name, DEPLOY), "utf8")

/** Seconds within which the server stops after SIGTERM. Source: docs/operating.md, "Starting and stopping". */
const STOP = 10
const NODES = 3

const { dialectSettings } = makeCliContext("test", await loadDialects())
/** Names of all settings' variables. */
const variables = new Set(
  readFileSync(new URL("../../docs/configuration.md", import.meta.url), "utf8").match(/PARLEY_\w+/g)
)
const defaultOf = (key: string): number => Number(serveDeclarations.find((one) => one.key === key)?.default)
const PORTS = [defaultOf("port"), defaultOf("tcpPort")]

/** Returns the settings of this environment; fails for one that the server would refuse, or ignore. */
const settingsOf = (environment: Readonly<Record<string, string>>) => {
  for (const name of Object.keys(environment)) if (name.startsWith("PARLEY_")) assert.include([...variables], name)
  const configured = configure(dialectSettings, { flags: {}, environment, file: undefined })
  if (Result.isFailure(configured)) throw new Error(configured.failure)
  return configured.success.serve
}

const image = read("Dockerfile")
const imageEnvironment = Object.fromEntries(
  Array.from(image.matchAll(/\b([A-Z_]+)=(\S+)/g), ([, name = "", value = ""]) => [name, value])
)

describe("the image", () => {
  it("serves on all addresses, at the ports that it exposes", () => {
    const { files, host, port, tcpPort } = settingsOf(imageEnvironment)
    assert.strictEqual(host, "0.0.0.0")
    assert.deepEqual(files, { _tag: "Folder", path: "/data/files" })
    assert.deepEqual([port, tcpPort], PORTS)
    assert.include(image, `EXPOSE ${PORTS.join(" ")}`)
  })

  it("is built by the package manager of the workspace, and runs its program without the rights of root", () => {
    const root = JSON.parse(readFileSync(new URL("../../package.json", import.meta.url), "utf8")) as {
      readonly packageManager: string
      readonly scripts: Readonly<Record<string, string>>
    }
    for (const [, manager] of image.matchAll(/npx --yes (\S+)/g)) assert.equal(manager, root.packageManager)
    assert.property(root.scripts, "packages:pack")
    assert.isBelow(image.indexOf("USER node"), image.indexOf("ENTRYPOINT"))
    assert.match(image, /ENTRYPOINT \["\/opt\/parley\/node_modules\/\.bin\/parley"\]\nCMD \["serve"\]/)
  })
})

interface Service {
  readonly environment?: Readonly<Record<string, string>>
  readonly volumes?: ReadonlyArray<string>
  readonly ports?: ReadonlyArray<string>
  readonly depends_on?: object
  readonly build?: { readonly context: string; readonly dockerfile: string }
  readonly deploy?: { readonly replicas: number }
  readonly stop_grace_period?: string
  readonly healthcheck?: { readonly test: string | ReadonlyArray<string> }
}

const compose = parse(read("compose.yaml"), { merge: true }) as {
  readonly services: Readonly<Record<string, Service>>
  readonly volumes: object
}
const haproxy = read("haproxy.cfg")
const serviceOf = (name: string): Service => compose.services[name] ?? {}

describe("the compose file", () => {
  it("refers to services, volumes and files that exist", () => {
    for (const { build, depends_on = {}, volumes = [] } of Object.values(compose.services)) {
      for (const name of Object.keys(depends_on)) assert.property(compose.services, name)
      for (const [from = ""] of volumes.map((volume) => volume.split(":"))) {
        if (from.startsWith("./")) assert.isTrue(existsSync(new URL(from, DEPLOY)), from)
        else assert.property(compose.volumes, from)
      }
      if (build !== undefined) {
        const context = new URL(`${build.context}/`, DEPLOY)
        assert.equal(fileURLToPath(new URL(build.dockerfile, context)), fileURLToPath(new URL("Dockerfile", DEPLOY)))
      }
    }
  })

  it("has three nodes that the server's settings allow, on both servers of PostgreSQL", () => {
    const node = serviceOf("node")
    const environment = Object.entries({ ...imageEnvironment, ...node.environment })
    // The shell's variables are required.
    const given = environment.map(([name, value]) => [name, String(value).replaceAll(/\$\{\w+:\?\}/g, "secret")])
    const { database, trustedProxies } = settingsOf(Object.fromEntries(given) as Record<string, string>)
    assert.deepEqual(database, { _tag: "Postgres", url: "postgres://parley:secret@primary:5432,standby:5432/parley" })
    assert.deepEqual(trustedProxies, ["uniquelocal"])
    assert.deepEqual(node.volumes, [`files:${imageEnvironment["PARLEY_FILES"]}`])
    assert.equal(node.deploy?.replicas, NODES)
    assert.isAbove(Number.parseInt(node.stop_grace_period ?? "", 10), STOP)
    assert.include(String(node.healthcheck?.test), `http://127.0.0.1:${PORTS[0]}/readyz`)
  })

  it("has a synchronous standby by the name for which the primary waits", () => {
    const [, waitsFor] = /synchronous_standby_names = 'ANY 1 \((\w+)\)'/.exec(read("primary.sh")) ?? []
    assert.include(read("standby.sh"), `application_name=${waitsFor}`)
    const [, role] = /CREATE ROLE (\w+) LOGIN REPLICATION/.exec(read("primary.sh")) ?? []
    assert.include(read("standby.sh"), `user=${role} `)
    assert.include(read("primary.sh"), `host replication ${role} all scram-sha-256`)
  })

  it("has a load balancer that leads to the nodes that are ready", () => {
    const backends = Array.from(haproxy.matchAll(/server-template \w+ (\d+) (\w+):(\d+) check (.*)/g))
    assert.deepEqual(
      backends.map(([, count, service, port]) => [Number(count), service, Number(port)]),
      PORTS.map((port) => [NODES, "node", port])
    )
    for (const [, , , port, check] of backends) {
      assert.isTrue(Number(port) === PORTS[0] || check?.includes(`port ${PORTS[0]} `) === true)
    }
    assert.lengthOf(haproxy.match(/option httpchk GET \/readyz/g) ?? [], backends.length)
    const binds = Array.from(haproxy.matchAll(/^ +bind :(\d+)/gm), ([, port = ""]) => port)
    assert.deepEqual(
      serviceOf("haproxy").ports,
      binds.map((port) => `${port}:${port}`)
    )
    assert.include(haproxy, "option forwardfor")
  })
})

interface Container {
  readonly env: ReadonlyArray<{
    readonly name: string
    readonly value?: string
    readonly valueFrom?: { readonly secretKeyRef: { readonly name: string; readonly key: string } }
  }>
  readonly ports: ReadonlyArray<{ readonly name: string; readonly containerPort: number }>
  readonly volumeMounts: ReadonlyArray<{ readonly name: string; readonly mountPath: string }>
  readonly lifecycle: { readonly preStop: { readonly sleep: { readonly seconds: number } } }
  readonly startupProbe: Probe
  readonly readinessProbe: Probe
  readonly livenessProbe: Probe
}

interface Probe {
  readonly httpGet: { readonly path: string; readonly port: string }
}

interface Manifest {
  readonly kind: string
  readonly metadata: { readonly name: string }
  // oxlint-disable-next-line typescript/no-explicit-any -- each kind has another one, and a wrong path fails the test
  readonly spec: any
}

const documents = parseAllDocuments(read("kubernetes.yaml"))
const manifests = documents.map((document) => document.toJS() as Manifest)
const specOf = (kind: string) => manifests.find((one) => one.kind === kind)?.spec
const deployment = specOf("Deployment")
const pod = deployment.template.spec
const container = pod.containers[0] as Container

describe("the Kubernetes manifest", () => {
  it("is valid YAML, with one object of each kind", () => {
    assert.deepEqual(
      documents.flatMap(({ errors, warnings }) => [...errors, ...warnings]),
      []
    )
    const kinds = ["Deployment", "Service", "PodDisruptionBudget", "PersistentVolumeClaim"]
    assert.deepEqual(
      manifests.map(({ kind }) => kind),
      kinds
    )
  })

  it("has three nodes that the server's settings allow, with the database's URL from a secret", () => {
    assert.equal(deployment.replicas, NODES)
    const [database, ...others] = container.env
    assert.deepEqual(database, {
      name: "PARLEY_DATABASE",
      valueFrom: { secretKeyRef: { name: "parley", key: "database" } }
    })
    assert.include(read("kubernetes.yaml"), "kubectl create secret generic parley --from-literal=database=postgres://")
    settingsOf({ ...imageEnvironment, ...Object.fromEntries(others.map(({ name, value = "" }) => [name, value])) })
  })

  it("probes the paths and ports that the server has", () => {
    const { livenessProbe, ports, readinessProbe, startupProbe } = container
    assert.deepEqual(
      ports.map(({ containerPort }) => containerPort),
      PORTS
    )
    assert.deepEqual(readinessProbe.httpGet, { path: "/readyz", port: "http" })
    for (const probe of [livenessProbe, startupProbe])
      assert.deepEqual(probe.httpGet, { path: "/healthz", port: "http" })
    const routes = readFileSync(new URL("../../packages/server/src/healthRoutes.ts", import.meta.url), "utf8")
    for (const path of ["/healthz", "/readyz"]) assert.include(routes, `"${path}"`)
  })

  it("leaves time for the end of connections", () => {
    const { seconds } = container.lifecycle.preStop.sleep
    assert.isAbove(pod.terminationGracePeriodSeconds, seconds + STOP)
  })

  it("refers to labels, ports, volumes and claims that exist", () => {
    const { labels } = deployment.template.metadata
    for (const selector of [deployment.selector.matchLabels, specOf("Service").selector]) {
      assert.deepEqual(selector, labels)
    }
    assert.deepEqual(specOf("PodDisruptionBudget").selector.matchLabels, labels)
    const names = container.ports.map(({ name }) => name)
    assert.deepEqual(
      (specOf("Service").ports as ReadonlyArray<{ readonly targetPort: string }>).map(({ targetPort }) => targetPort),
      names
    )
    const volumes = pod.volumes as ReadonlyArray<{ readonly name: string; readonly persistentVolumeClaim?: object }>
    assert.deepEqual(
      container.volumeMounts.map(({ mountPath, name }) => [name, mountPath]),
      [
        ["files", imageEnvironment["PARLEY_FILES"]],
        ["temporary", "/tmp"]
      ]
    )
    assert.deepEqual(
      volumes.map(({ name }) => name),
      ["files", "temporary"]
    )
    const claim = manifests.find(({ kind }) => kind === "PersistentVolumeClaim")
    assert.deepEqual(volumes[0]?.persistentVolumeClaim, { claimName: claim?.metadata.name })
    assert.include(claim?.spec.accessModes, "ReadWriteMany")
  })
})
