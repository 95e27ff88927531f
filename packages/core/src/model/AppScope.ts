/** Scope of an application: the users and groups of one organisation, or all if it represents the whole system. */
export type AppScope =
  /** The organisation with this id. */
  { readonly organisation: number } | "everywhere"
