"use client";
import { keepPreviousData, useInfiniteQuery, useMutation, useQuery, useQueryClient } from "@tanstack/react-query";
import { api, ask, server, session, type Endpoint, type EndpointInput, type Key, type Upstream } from "./api";
import type { Action } from "./phases";
import type { components } from "./schema";

// Events say when most of this is out of date (see live.ts). Traffic has no
// events, so what counts requests is also asked for every few seconds.
const often = 2_500;

export interface PairFilter {
  search?: string;
  source?: "llm" | "slm";
  split?: "train" | "eval";
  reason?: "normal" | "sample" | "fallback" | "forced" | "import" | "shadow";
}

export const useSession = () => useQuery({ queryKey: ["session"], queryFn: session, staleTime: Infinity, refetchInterval: (query) => (query.state.data ? false : often) });

export const useStatus = () => useQuery({ queryKey: ["status"], queryFn: ({ signal }) => ask(api.GET("/api/v1/status", { signal })), refetchInterval: often });

export const useEndpoint = (name: string) =>
  useQuery({ queryKey: ["endpoint", name], queryFn: ({ signal }) => ask(api.GET("/api/v1/endpoints/{endpoint}", { params: { path: { endpoint: name } }, signal })), refetchInterval: 2 * often });

export const useTraffic = (minutes: number, endpoint?: string) =>
  useQuery({
    queryKey: ["traffic", endpoint ?? "", minutes],
    queryFn: ({ signal }) =>
      endpoint
        ? ask(api.GET("/api/v1/endpoints/{endpoint}/traffic", { params: { path: { endpoint }, query: { minutes } }, signal }))
        : ask(api.GET("/api/v1/traffic", { params: { query: { minutes } }, signal })),
    refetchInterval: 2 * often,
    placeholderData: keepPreviousData,
  });

export const usePairs = (endpoint: string, filter: PairFilter, limit: number, poll?: boolean) =>
  useInfiniteQuery({
    queryKey: ["pairs", endpoint, filter, limit],
    queryFn: ({ pageParam, signal }) => ask(api.GET("/api/v1/endpoints/{endpoint}/pairs", { params: { path: { endpoint }, query: { ...filter, limit, cursor: pageParam } }, signal })),
    initialPageParam: undefined as string | undefined,
    getNextPageParam: (page) => page.next || undefined,
    ...(poll ? { refetchInterval: often } : { staleTime: Infinity, gcTime: 0, refetchOnWindowFocus: false }), // a long list is not fetched again behind the reader's back, but is anew where it is opened anew
    placeholderData: keepPreviousData,
  });

export const usePair = (id: string | undefined) =>
  useQuery({ queryKey: ["pair", id], enabled: !!id, queryFn: ({ signal }) => ask(api.GET("/api/v1/pairs/{pair}", { params: { path: { pair: id! } }, signal })) });

/** useOther is what the other one answered to the same request, null where it was not asked. */
export const useOther = (id: string, sampled: boolean) =>
  useQuery({ queryKey: ["shadow", id], enabled: sampled, queryFn: ({ signal }) => ask(api.GET("/api/v1/pairs/{pair}/shadow", { params: { path: { pair: id } }, signal })) });

export const useModels = (endpoint: string) =>
  useQuery({
    queryKey: ["models", endpoint],
    queryFn: async ({ signal }) => {
      const page = await ask(api.GET("/api/v1/endpoints/{endpoint}/models", { params: { path: { endpoint }, query: { limit: 500 } }, signal }));
      return page.items.toReversed(); // the newest first
    },
  });

export const useModel = (id: string) => useQuery({ queryKey: ["model", id], queryFn: ({ signal }) => ask(api.GET("/api/v1/models/{model}", { params: { path: { model: id } }, signal })) });

export const useEvaluations = (model: string) =>
  useQuery({
    queryKey: ["evaluations", model],
    queryFn: async ({ signal }) => (await ask(api.GET("/api/v1/models/{model}/evaluations", { params: { path: { model } }, signal }))).items,
    refetchInterval: (query) => (query.state.data?.some((e) => !e.verdict) ? often : false),
  });

export const useAnswers = (model: string, attempt: number, order: "worst" | "best") =>
  useInfiniteQuery({
    queryKey: ["answers", model, attempt, order],
    queryFn: ({ pageParam, signal }) => ask(api.GET("/api/v1/models/{model}/evaluations/{attempt}/answers", { params: { path: { model, attempt }, query: { order, limit: pageParam ? 20 : 5, cursor: pageParam } }, signal })),
    initialPageParam: undefined as string | undefined,
    getNextPageParam: (page) => page.next || undefined,
  });

export const useSavings = (days: number) => useQuery({ queryKey: ["savings", days], queryFn: ({ signal }) => ask(api.GET("/api/v1/savings", { params: { query: { days } }, signal })), refetchInterval: 4 * often, placeholderData: keepPreviousData });

export const useKeys = () => useQuery({ queryKey: ["keys"], queryFn: async ({ signal }): Promise<Key[]> => (await ask(api.GET("/api/v1/keys", { params: { query: { limit: 500 } }, signal }))).items });

export const useUpstreams = () =>
  useQuery({ queryKey: ["upstreams"], staleTime: Infinity, queryFn: async ({ signal }): Promise<Upstream[]> => (await ask(api.GET("/api/v1/upstreams", { params: { query: { limit: 500 } }, signal }))).items });

export const useBases = () => useQuery({ queryKey: ["bases"], staleTime: Infinity, queryFn: async ({ signal }) => (await ask(api.GET("/api/v1/bases", { signal }))).items });

/** useHistory is the diary, the newest first, without what only says how far something is. */
export const useHistory = (filter: { endpoint?: string; modelId?: string }, limit: number) =>
  useInfiniteQuery({
    queryKey: ["events", filter, limit],
    queryFn: async ({ pageParam, signal }) =>
      (await ask(api.GET("/api/v1/events", { params: { query: { ...filter, progress: false, limit, cursor: pageParam } }, headers: { Accept: "application/json" }, signal }))) as components["schemas"]["PageEvent"],
    initialPageParam: undefined as string | undefined,
    getNextPageParam: (page) => page.next || undefined,
  });

/** useGateway is where applications reach the OpenAI API. */
export const useGateway = () =>
  useQuery({ queryKey: ["gateway"], staleTime: Infinity, queryFn: async () => (await server<{ gateway: string }>("GET", "/config.json")).gateway });

/** everythingShort leaves out long lists, which are fetched page by page. */
export const everythingShort = { predicate: (query: { queryKey: readonly unknown[] }) => query.queryKey[0] !== "pairs" };

function useChange<V, T>(change: (input: V) => Promise<T>, pairsOf?: string) {
  const queries = useQueryClient();
  return useMutation({
    mutationFn: change,
    onSettled: () => Promise.all([queries.invalidateQueries(everythingShort), pairsOf && queries.resetQueries({ queryKey: ["pairs", pairsOf] })]),
  });
}

export const useBypass = (endpoint?: string) =>
  useChange((bypass: boolean) =>
    endpoint ? ask(api.PUT("/api/v1/endpoints/{endpoint}/bypass", { params: { path: { endpoint } }, body: { bypass } })) : ask(api.PUT("/api/v1/bypass", { body: { bypass } })),
  );

export const useCreateEndpoint = () => useChange((body: EndpointInput): Promise<Endpoint> => ask(api.POST("/api/v1/endpoints", { body })));

export const useUpdateEndpoint = (name: string) => useChange((body: EndpointInput) => ask(api.PATCH("/api/v1/endpoints/{endpoint}", { params: { path: { endpoint: name } }, body })));

export const useDeleteEndpoint = (name: string) => useChange(() => ask(api.DELETE("/api/v1/endpoints/{endpoint}", { params: { path: { endpoint: name } } })));

export const useTrain = (endpoint: string) => useChange(() => ask(api.POST("/api/v1/endpoints/{endpoint}/train", { params: { path: { endpoint } } })));

export const useCreateKey = () => useChange((body: { name?: string; defaultEndpoint?: string }): Promise<Key> => ask(api.POST("/api/v1/keys", { body })));

export const useDeleteKey = () => useChange((key: string) => ask(api.DELETE("/api/v1/keys/{key}", { params: { path: { key } } })));

export const useDeletePair = (endpoint: string) => useChange((pair: string) => ask(api.DELETE("/api/v1/endpoints/{endpoint}/pairs/{pair}", { params: { path: { endpoint, pair } } })), endpoint);

export const useCompare = (endpoint: string) =>
  useMutation({ mutationFn: (body: { prompt: string; system?: string; maxTokens?: number }) => ask(api.POST("/api/v1/endpoints/{endpoint}/compare", { params: { path: { endpoint } }, body })) });

export const useImport = (endpoint: string) =>
  useChange((file: Blob) =>
    ask(api.POST("/api/v1/endpoints/{endpoint}/pairs:import", { params: { path: { endpoint } }, body: file as unknown as string, bodySerializer: (body) => body, headers: { "Content-Type": "application/jsonl" } })),
    endpoint,
  );

/** useAct asks something of a model; force puts one on stage that the gate refused. */
export const useAct = (model: string) =>
  useChange(({ action, force }: { action: Action; force?: boolean }) => {
    const params = { path: { model } };
    return action === "deploy" ? ask(api.POST("/api/v1/models/{model}/deploy", { params, body: { force: !!force, by: force ? "dashboard" : undefined } })) : ask(api.POST(`/api/v1/models/{model}/${action}`, { params }));
  });
