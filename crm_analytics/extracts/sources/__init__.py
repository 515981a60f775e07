"""What a source is, a file, a folder, a frame or a database, and how it comes to a raw table without doing harm."""
