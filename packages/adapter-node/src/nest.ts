/** Conversations in a Nest application on Express: `imports: [ParleyModule.forRoot(parley)]`; `Parley` is injected. */
import { type DynamicModule, type FactoryProvider, Module } from "@nestjs/common"
import { HttpAdapterHost } from "@nestjs/core"
import type { Server } from "node:http"
import { parleyExpress } from "./express.ts"
import { Parley } from "./createParley.ts"

type Adapter = HttpAdapterHost["httpAdapter"]

/** How the object is made from what the application has. */
export interface AsyncOptions {
  readonly imports?: NonNullable<DynamicModule["imports"]>
  readonly inject?: NonNullable<FactoryProvider["inject"]>
  readonly useFactory: (...args: ReadonlyArray<never>) => Parley | Promise<Parley>
}

/** The object in the application: from before its body parsers until its end. */
class Mounted {
  readonly #adapter: Adapter
  readonly #parley: Parley

  constructor(adapter: Adapter, parley: Parley) {
    if (adapter.getType() !== "express") {
      throw new Error(
        "ParleyModule is for Nest on Express; on Fastify, register parleyFastify on the adapter's instance."
      )
    }
    this.#adapter = adapter
    this.#parley = parley
    // Modules are made before the application adds its body parsers.
    adapter.use(parleyExpress(parley))
  }

  onModuleInit(): void {
    this.#parley.attach(this.#adapter.getHttpServer() as Server)
  }

  /** A server ends only when its last WebSocket has. */
  beforeApplicationShutdown(): Promise<void> {
    return this.#parley.close()
  }
}

const MOUNTED = Symbol("@parley/adapter-node/nest")

/**
 * Serves the object's paths before everything else of the application, so that no guard, pipe or parser is in their way,
 * and closes the object with the application. A global prefix does not count: `path` says where it is.
 */
export class ParleyModule {
  static forRoot(parley: Parley): DynamicModule {
    return ParleyModule.forRootAsync({ useFactory: () => parley })
  }

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
