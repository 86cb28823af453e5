module understudy.dev/frontend

go 1.26.0
