package httpapi

import (
	"cmp"
	"slices"

	"understudy.dev/backend/internal/wire"
)

// PageInput is what every list takes.
type PageInput struct {
	Cursor string `query:"cursor" doc:"next of the page before"`
	Limit  int    `query:"limit" minimum:"1" maximum:"500" default:"100"`
}

// paged cuts a page out of a short list that is sorted by key here.
func paged[T, W any](in PageInput, list []T, key func(T) string, show func(T) W) *body[wire.Page[W]] {
	slices.SortFunc(list, func(a, b T) int { return cmp.Compare(key(a), key(b)) })
	page := wire.Page[W]{Items: []W{}}
	for _, v := range list {
		if in.Cursor != "" && key(v) <= in.Cursor {
			continue
		}
		if len(page.Items) == in.Limit {
			return answer(page)
		}
		page.Items = append(page.Items, show(v))
		page.Next = key(v)
	}
	page.Next = ""
	return answer(page)
}
