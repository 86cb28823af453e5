package httpapi

import (
	"net/http"
	"strconv"

	"github.com/danielgtaylor/huma/v2"
	"github.com/danielgtaylor/huma/v2/adapters/humagin"
	"github.com/gin-gonic/gin"

	"understudy.dev/service/serve"
	"understudy.dev/service/token"
)

func humaWriter(c huma.Context) http.ResponseWriter { return humagin.Unwrap(c).Writer }

// adminOnly guards the management API.
func (a *API) adminOnly(c huma.Context, next func(huma.Context)) {
	g := humagin.Unwrap(c)
	if serve.SameToken(serve.BearerToken(g.Request), a.AdminKey) {
		next(c)
		return
	}
	g.Writer.Header().Set("WWW-Authenticate", "Bearer")
	serve.Problem(g.Writer, http.StatusUnauthorized, "The admin key is missing or wrong; send it as Authorization: Bearer <key>. `understudy config` says where it is kept.")
}

// auth guards the internal routes: allowed decides by the bearer token.
func (a *API) auth(allowed func(c *gin.Context, bearer string) bool) gin.HandlerFunc {
	return func(c *gin.Context) {
		if bearer := serve.BearerToken(c.Request); serve.SameToken(bearer, a.ServiceToken) || allowed(c, bearer) {
			return
		}
		c.Header("WWW-Authenticate", "Bearer")
		serve.Problem(c.Writer, http.StatusUnauthorized, "The token is missing, wrong, or good for another model or attempt.")
		c.Abort()
	}
}

// ofTheService allows services only.
func (a *API) ofTheService(*gin.Context, string) bool { return false }

// ofThePod allows the pod of this very evaluation too.
func (a *API) ofThePod(c *gin.Context, bearer string) bool {
	claims, err := token.Verify(a.ServiceToken, bearer)
	return err == nil && claims.Scope == token.ScopeBatch && claims.Model == c.Param("id") && strconv.Itoa(claims.Attempt) == c.Param("attempt")
}
