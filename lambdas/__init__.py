"""Program 2: the order API and the background functions, one folder per Lambda, each a thin door."""
