"""Why a layer refuses a shape: one file a kind of layer, each error with what to change."""
