package httpapi

import (
	"context"
	"net/http"

	understudy "understudy.dev/backend"
	"understudy.dev/backend/internal/wire"
)

func (a *API) keyRoutes() {
	const tag = "Keys"
	handle(a, a.operation(http.MethodGet, "/keys", "list-keys", tag, "List client keys", 200), a.listKeys)
	handle(a, a.operation(http.MethodPost, "/keys", "create-key", tag, "Make a client key; the answer shows it, once", 201), a.createKey)
	handle(a, a.operation(http.MethodDelete, "/keys/{key}", "delete-key", tag, "Delete a client key", 204), a.deleteKey)
}

func (a *API) listKeys(ctx context.Context, in *PageInput) (*body[wire.Page[wire.Key]], error) {
	keys, err := a.DB.Keys(ctx)
	if err != nil {
		return nil, err
	}
	return paged(*in, keys, func(k understudy.Key) string { return k.ID }, keyOf), nil
}

func (a *API) createKey(ctx context.Context, in *struct{ Body wire.KeyInput }) (*body[wire.Key], error) {
	if name := in.Body.DefaultEndpoint; name != "" {
		if _, err := a.endpoint(ctx, name); err != nil {
			return nil, understudy.Errorf(understudy.Invalid, "defaultEndpoint: %v", err)
		}
	}
	k, secret, err := understudy.NewKey(in.Body.Name, in.Body.DefaultEndpoint)
	if err != nil {
		return nil, err
	}
	if k, err = a.DB.CreateKey(ctx, k); err != nil {
		return nil, err
	}
	a.event(ctx, "key.created", k.DefaultEndpoint, "", "Key "+k.Name+" was made")
	a.rerouted(ctx)
	shown := keyOf(k)
	shown.Secret = secret
	return answer(shown), nil
}

func (a *API) deleteKey(ctx context.Context, in *struct {
	Key string `path:"key" doc:"The key's id"`
}) (*struct{}, error) {
	if err := a.DB.DeleteKey(ctx, in.Key); err != nil {
		return nil, err
	}
	a.event(ctx, "key.deleted", "", "", "Key "+in.Key+" was deleted")
	a.rerouted(ctx)
	return nil, nil
}
