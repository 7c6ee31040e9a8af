module promptprint

go 1.21
