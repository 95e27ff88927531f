/** Chat in a Nest application, on Express or Fastify: `imports: [ParleyModule.forRoot(parley)]`; `Parley` is injected. */
import { type DynamicModule, type FactoryProvider, Module } from "@nestjs/common"
import { HttpAdapterHost } from "@nestjs/core"
import type { Server } from "node:http"
import { parleyExpress } from "./express.ts"
import { parleyFastify } from "./fastify.ts"
import { Parley } from "./createParley.ts"
import { checkParley } from "./internal/http/optionChecks.ts"

type Adapter = HttpAdapterHost["httpAdapter"]

/** Creates the Parley instance from the application's providers. */
export interface AsyncOptions {
  /** Modules whose providers the factory needs. None by default. */
  readonly imports?: NonNullable<DynamicModule["imports"]>
  /** Tokens of the factory's arguments, in their order. None by default. */
  readonly inject?: NonNullable<FactoryProvider["inject"]>
  /** Returns the Parley instance, or a promise of it. */
  readonly useFactory: (...args: ReadonlyArray<never>) => Parley | Promise<Parley>
}

/** The part of a Fastify instance that takes plugins. */
interface Fastify {
  readonly register: (plugin: typeof parleyFastify, options: { readonly parley: Parley }) => unknown
}

/** Mounts Parley before the application's body parsers, and closes it with the application. */
class Mounted {
  readonly #adapter: Adapter
  readonly #parley: Parley
  readonly #isExpress: boolean

  constructor(adapter: Adapter, parley: Parley) {
    checkParley("ParleyModule", parley)
    const type: string = adapter.getType()
    if (type !== "express" && type !== "fastify") {
      throw new Error(`ParleyModule is for Nest on Express or Fastify, not on ${type}.`)
    }
    this.#adapter = adapter
    this.#parley = parley
    this.#isExpress = type === "express"
    // Modules are created before the application adds its body parsers.
    if (this.#isExpress) adapter.use(parleyExpress(parley))
    else (adapter.getInstance<unknown>() as Fastify).register(parleyFastify, { parley })
  }

  /** The plugin for Fastify handles upgrades itself. */
  onModuleInit(): void {
    if (this.#isExpress) this.#parley.attach(this.#adapter.getHttpServer() as Server)
  }

  /** A server closes only after its last WebSocket. */
  beforeApplicationShutdown(): Promise<void> {
    return this.#parley.close()
  }
}

const MOUNTED = Symbol("@parley/adapter-node/nest")

/**
 * Serves Parley's paths before all guards, pipes and parsers of the application, and closes Parley with the application. A
 * global prefix does not apply; `path` determines the location.
 */
export class ParleyModule {
  /** Returns the module for an existing Parley instance, which is closed with the application. */
  static forRoot(parley: Parley): DynamicModule {
    return ParleyModule.forRootAsync({ useFactory: () => parley })
  }

  /** Returns the module for an instance that a factory creates from the application's providers. */
  static forRootAsync({ imports = [], inject = [], useFactory }: AsyncOptions): DynamicModule {
    return {
      module: ParleyModule,
      global: true,
      imports,
      providers: [
        { provide: Parley, inject, useFactory },
        {
          provide: MOUNTED,
          inject: [HttpAdapterHost, Parley],
          useFactory: ({ httpAdapter }: HttpAdapterHost, parley: Parley) => new Mounted(httpAdapter, parley)
        }
      ],
      exports: [Parley]
    }
  }
}
Module({})(ParleyModule)
