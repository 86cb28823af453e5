package httpapi

import (
	"context"
	"net/http"
	"strings"

	"github.com/danielgtaylor/huma/v2"
	"github.com/danielgtaylor/huma/v2/adapters/humagin"
	"github.com/gin-gonic/gin"
	"github.com/prometheus/client_golang/prometheus"
	"github.com/prometheus/client_golang/prometheus/promhttp"
	"github.com/swaggest/swgui/v5emb"

	"understudy.dev/service/serve"
)

// routes shows everything that this process answers.
func (a *API) routes() {
	gin.SetMode(gin.ReleaseMode)
	e := gin.New()
	e.HandleMethodNotAllowed = true
	e.NoRoute(func(c *gin.Context) {
		serve.Problem(c.Writer, http.StatusNotFound, "There is nothing at "+c.Request.URL.Path+"; /docs shows what there is.")
	})
	e.NoMethod(func(c *gin.Context) {
		serve.Problem(c.Writer, http.StatusMethodNotAllowed, c.Request.Method+" is not possible here; /docs shows what is.")
	})
	a.engine = e

	ready := a.Ready
	if ready == nil {
		ready = func(context.Context) error { return nil }
	}
	e.GET("/healthz", gin.WrapF(serve.Healthz))
	e.GET("/readyz", gin.WrapF(serve.Readyz(ready)))
	e.GET("/metrics", gin.WrapH(promhttp.HandlerFor(prometheus.DefaultGatherer, promhttp.HandlerOpts{MaxRequestsInFlight: scrapes})))
	if a.Gateway != nil {
		// Without our recovery: the gateway breaks a connection off by a panic
		// that net/http knows.
		e.Any("/v1/*path", gin.WrapH(a.Gateway))
	}

	docs := gin.WrapH(v5emb.New("Understudy", "/openapi.json", "/docs/"))
	e.GET("/docs/*asset", docs)
	e.GET("/", func(c *gin.Context) { c.Redirect(http.StatusFound, "/docs/") })

	in := e.Group("/internal/v1", recovery)
	in.GET("/models/:id/dataset", a.auth(a.ofTheService), a.dataset)
	in.GET("/models/:id/evaluations/:attempt/prompts", a.auth(a.ofThePod), a.prompts)
	in.POST("/models/:id/evaluations/:attempt/answers", a.auth(a.ofThePod), a.answers)

	a.huma = newHuma(e, a.Version)
	a.describe()
}

// describe registers the management API, a resource a line.
func (a *API) describe() {
	a.endpointRoutes()
	a.pairRoutes()
	a.modelRoutes()
	a.evaluationRoutes()
	a.compareRoutes()
	a.baseRoutes()
	a.trafficRoutes()
	a.savingsRoutes()
	a.worldRoutes()
	a.keyRoutes()
	a.statusRoutes()
	a.eventRoutes()
}

func newHuma(e *gin.Engine, version string) huma.API {
	huma.DefaultArrayNullable = false // a list of nothing is empty here, never null
	c := huma.DefaultConfig("Understudy", version)
	c.Info.Description = "Trains small models as understudies of LLMs. Errors are problem documents (RFC 9457). " +
		"Lists come in pages: pass next as cursor. Durations are in seconds."
	c.DocsPath, c.SchemasPath, c.CreateHooks = "", "", nil
	c.Components.SecuritySchemes = map[string]*huma.SecurityScheme{"adminKey": {Type: "http", Scheme: "bearer", Description: "The admin key"}}
	c.Security = []map[string][]string{{"adminKey": {}}}
	plain := huma.DefaultConfig("", "")
	plain.OpenAPIPath, plain.DocsPath, plain.SchemasPath = "", "", ""
	return huma.NewAPI(c, escaping{humagin.New(e, plain).Adapter()})
}

// escaping keeps Gin from taking the colon of pairs:import for a parameter.
type escaping struct{ huma.Adapter }

func (a escaping) Handle(op *huma.Operation, handler func(huma.Context)) {
	escaped := *op
	escaped.Path = strings.ReplaceAll(op.Path, ":", `\:`)
	a.Adapter.Handle(&escaped, handler)
}

// under is where the management API lies.
const under = "/api/v1"

// operation describes one; done is its status when all is well.
func (a *API) operation(method, path, id, tag, summary string, done int) huma.Operation {
	return huma.Operation{
		OperationID: id, Method: method, Path: under + path, Summary: summary, Tags: []string{tag}, DefaultStatus: done,
		Errors: []int{400, 401, 404, 409, 422, 503}, Middlewares: huma.Middlewares{recovered, a.adminOnly},
		MaxBodyBytes: maxBody,
	}
}

// maxBody is for bodies that are read whole.
const maxBody = 1 << 20

// handle registers an operation; its domain errors become problem documents.
func handle[I, O any](a *API, op huma.Operation, f func(ctx context.Context, in *I) (*O, error)) {
	huma.Register(a.huma, op, func(ctx context.Context, in *I) (*O, error) {
		out, err := f(ctx, in)
		if err != nil {
			return nil, problem(ctx, err)
		}
		return out, nil
	})
}

// body is an answer.
type body[T any] struct{ Body T }

func answer[T any](v T) *body[T] { return &body[T]{v} }
