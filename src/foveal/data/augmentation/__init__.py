"""Images changed a little each time: the operations, and the text that names them."""
