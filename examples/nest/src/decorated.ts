/** Metadata of `@Controller()`, `@Get()`, `@Body()` and a constructor's types, for a class in plain TypeScript. */
import { Inject, type InjectionToken } from "@nestjs/common"

type Methods = Readonly<Record<string, readonly [route: MethodDecorator, parameter: ParameterDecorator]>>

export const controller = (
  type: { readonly prototype: object; readonly name: string },
  decorate: ClassDecorator,
  injected: ReadonlyArray<InjectionToken>,
  methods: Methods
): void => {
  for (const [index, token] of injected.entries()) Inject(token)(type, undefined, index)
  for (const [name, [route, parameter]] of Object.entries(methods)) {
    const descriptor = Object.getOwnPropertyDescriptor(type.prototype, name)
    if (descriptor === undefined) throw new Error(`${type.name} has no method ${name}`)
    route(type.prototype, name, descriptor)
    parameter(type.prototype, name, 0)
  }
  Reflect.apply(decorate, undefined, [type])
}
