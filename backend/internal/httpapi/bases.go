package httpapi

import (
	"context"
	"net/http"
	"slices"

	understudy "understudy.dev/backend"
	"understudy.dev/backend/internal/wire"
)

func (a *API) baseRoutes() {
	handle(a, a.operation(http.MethodGet, "/bases", "list-bases", "Endpoints", "List the small models that can be trained", 200), a.listBases)
}

func (a *API) listBases(_ context.Context, in *PageInput) (*body[wire.Page[wire.Base]], error) {
	return paged(*in, slices.Clone(understudy.Catalogue()), func(b understudy.Base) string { return b.Name }, func(b understudy.Base) wire.Base {
		return wire.Base{Name: b.Name, Architecture: b.Architecture, Licence: b.Licence, ContextLength: b.ContextLength,
			Tested: b.Tested, Tools: b.Tools, Verified: b.Verified(), Parameters: b.Parameters, TargetModules: b.TargetModules, Default: b.Name == understudy.DefaultBase}
	}), nil
}
