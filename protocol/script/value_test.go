package script

import "testing"

func TestAValueKeepsItsOrderAndItsNumbers(t *testing.T) {
	const text = `{"b": [1.50, -2e3, true, false, null], "a": {"<&>": "\"ü\""}, "c": [], "d": {}}`
	v, err := ParseValue([]byte(text))
	if err != nil {
		t.Fatal(err)
	}
	if got := v.String(); got != text {
		t.Errorf("got %s", got)
	}
	if got := v.Field("a").Field("<&>").Text; got != `"ü"` {
		t.Errorf("the string is %s", got)
	}
	if v.Field("none") != nil {
		t.Error("there is a field from nowhere")
	}
}

func TestALongValueIsBrokenBetweenItsMembers(t *testing.T) {
	v, err := ParseValue([]byte(`{"b": [1, 2], "a": {"long": "0123456789", "empty": {}}, "c": [{"x": null}]}`))
	if err != nil {
		t.Fatal(err)
	}
	for _, test := range []struct {
		layout Layout
		want   string
	}{
		{Layout{Width: 30, Indent: "   ", EndsAlone: true}, `{
     "b": [1, 2],
     "a": {
       "long": "0123456789",
       "empty": {}
     },
     "c": [{"x": null}]
   }`},
		{Layout{Width: 30, Indent: "  "}, `{
    "b": [1, 2],
    "a": {
      "long": "0123456789",
      "empty": {}},
    "c": [{"x": null}]}`},
		{Layout{Width: 100}, v.String()},
	} {
		if got := test.layout.Format(v, 10); got != test.want {
			t.Errorf("%+v: got\n%s\nwant\n%s", test.layout, got, test.want)
		}
	}
}
